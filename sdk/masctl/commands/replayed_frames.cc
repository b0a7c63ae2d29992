// Looking through ingress lists.
#include "sdk/masctl/commands/replayed_frames.h"

#include <string>

#include "proto/wire/replayed.h"

namespace mas::ctl {
namespace {

constexpr size_t kFramesAtOnce = 8;  // each may be as large as a frame can be

}  // namespace

Status no_replayed_frames(SyncRedis& redis, const Keys& keys, unsigned partitions) {
  Frame frame;
  for (unsigned p = 0; p < partitions; ++p) {
    for (size_t at = 0;; at += kFramesAtOnce) {
      auto page = redis.ask_one(redis::Command("LRANGE", keys.ingress(p), at, at + kFramesAtOnce - 1));
      if (!page.ok()) return page.error();
      for (const Value& element : page->elements) {
        if (!decode_frame(element.text, frame).ok()) continue;
        if (claims_replay(frame.header) || claims_archive(frame.header) || claimed_verdict(frame.header))
          return Error{Errc::kRefused, "a message that was replayed waits in partition " + std::to_string(p) +
                                           ", and would be lost; let a gateway take it, then stop it again"};
      }
      if (page->elements.size() < kFramesAtOnce) break;
    }
  }
  return {};
}

}  // namespace mas::ctl
