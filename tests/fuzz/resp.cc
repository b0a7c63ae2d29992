// Replies of Redis: the first byte of the input says into how large pieces the rest is cut. However it is cut, the
// replies are the same, and every byte of them may be read.
#include "proto/redis/reply.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;

namespace {

constexpr size_t kMaxReplyBytes = 256 * 1024;

/// Writes down a whole reply, so that the sanitizers see every byte of it read.
void describe(const redis::Reply& reply, std::string& out) {
  out += std::to_string(static_cast<int>(reply.type)) + ":" + std::to_string(reply.integer) + ":";
  out += reply.text;
  out += '(';
  for (const auto& element : reply) describe(element, out);
  out += ')';
  if (reply.is_error()) require(!redis::error_of(reply).message.empty(), "an error has a sentence");
}

struct Outcome {
  std::string replies;
  bool failed = false;
};

/// Takes what is complete. @return false when the reader is unusable.
bool drain(redis::ReplyReader& reader, std::string& out) {
  for (;;) {
    auto reply = reader.next();
    if (!reply) return false;
    if (*reply == nullptr) return true;
    describe(**reply, out);
  }
}

Outcome read(std::string_view bytes, size_t piece) {
  redis::ReplyReader reader({.reply_bytes = kMaxReplyBytes});
  Outcome outcome;
  while (!bytes.empty() && !outcome.failed) {
    auto next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    outcome.failed = !reader.feed(next).ok() || !drain(reader, outcome.replies);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto bytes = text_of(data + 1, size - 1);
  Outcome whole = read(bytes, bytes.size());
  Outcome pieces = read(bytes, data[0] + 1u);
  require(whole.failed == pieces.failed, "an error does not depend on how the bytes arrive");
  require(whole.replies == pieces.replies, "replies do not depend on how the bytes arrive");
  return 0;
}
