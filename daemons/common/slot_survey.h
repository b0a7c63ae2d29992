// Which slots the primaries of a cluster serve, as each says of itself at this moment (CLUSTER NODES). What a client
// remembers of the map tells of a move only when something was refused because of it.
//
// Happy path: ask(); `done` once all have answered. Failure: `done` with the first error.
// Threading: loop thread. Ownership: may be destroyed at any time; `done` is not called then.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/client.h"

namespace mas::common {

class SlotSurvey {
 public:
  SlotSurvey(redis::Client& redis, std::function<void(const Status&)> done) : redis_(redis), done_(std::move(done)) {}
  ~SlotSurvey() { redis_.forget(this); }
  SlotSurvey(const SlotSurvey&) = delete;
  SlotSurvey& operator=(const SlotSurvey&) = delete;

  /// @return an error when nothing was sent; `done` is not called then.
  Status ask();
  void cancel() { redis_.forget(this); }

  /// The primaries that were asked.
  const std::vector<redis::Node>& primaries() const { return primaries_; }
  /// What each answered: its slots. Comparable with an earlier survey's.
  const std::vector<std::string>& slots() const { return slots_; }
  /// Whether each of them serves slots, and moves none.
  bool steady() const;

  /// @param nodes a reply to CLUSTER NODES. @return the slots of the node that answered, with those that it is moving
  /// in brackets; empty: it serves none.
  static std::string_view own_slots(std::string_view nodes);

 private:
  void on_reply(uint64_t primary, const redis::Answer& answer);

  redis::Client& redis_;
  const std::function<void(const Status&)> done_;
  std::vector<redis::Node> primaries_;
  std::vector<std::string> slots_;
  size_t due_ = 0;
  Status status_;
};

}  // namespace mas::common
