// Which slots the primaries of a cluster serve, as each says of itself at this moment (CLUSTER NODES). What a client
// remembers of the map tells of a move only when something was refused because of it.
//
// Happy path: ask(); `done` once all have answered.
// Failure modes:
// - a primary that cannot be asked, or refuses: `done` with the first error;
// - answers that are not steady: the client's map may be out of date, and is asked for again.
// Threading: loop thread. Ownership: may be destroyed at any time; `done` is not called then.
#pragma once

#include <functional>
#include <utility>

#include "proto/redis/client.h"
#include "proto/redis/cluster/walk_check.h"

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

  /// The primaries that were asked, and their answers.
  const redis::SlotOwners& owners() const { return owners_; }

 private:
  void on_reply(uint64_t primary, const redis::Answer& answer);

  redis::Client& redis_;
  const std::function<void(const Status&)> done_;
  redis::SlotOwners owners_;
  size_t due_ = 0;
  Status status_;
};

}  // namespace mas::common
