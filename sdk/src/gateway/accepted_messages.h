// Ids of the messages that the gateway accepted last, for the case that Redis loses them: their sequence numbers tell
// which of them are in doubt then.
//
// Happy path: add() with each accepting receipt; what is older than the window, or too many, is forgotten.
// When the gateway asks for a number that has its receipt, it has lost that number and all behind it, since a commit
// writes messages and numbers together: take_from() gives their ids. A gateway that asks for number 1 knows nothing of
// the instance, so what earlier instances of this agent sent is in doubt, too. (Unless it has forgotten the instance on
// purpose, after an outage: then nobody asks here.)
// Failure: what was forgotten in the window's bounds is counted, not named.
// Pure. Threading: none.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "sdk/src/core/in_doubt.h"
#include "sdk/src/core/ring.h"

namespace mas::sdk {

class AcceptedMessages {
 public:
  /// @param messages and @param time bound what is remembered; 0 messages: nothing is.
  AcceptedMessages(size_t messages, Duration time) : most_(messages), time_(time) {}

  void add(uint64_t sequence, const Id128& id, MonoTime now) {
    if (most_ == 0) return;
    forget_before(now - time_);
    while (kept_.size() >= most_) forget_oldest();
    kept_.push({id, sequence, now});
  }
  void forget_before(MonoTime time) {
    while (!kept_.empty() && kept_.front().at < time) forget_oldest();
  }
  bool empty() const { return kept_.empty(); }
  Duration time() const { return time_; }

  /// @param sequence the first number that the gateway does not know. @return those in doubt, which are forgotten here.
  InDoubt take_from(uint64_t sequence) {
    InDoubt doubt;
    if (sequence <= last_forgotten_) doubt.forgotten = std::min(forgotten_, last_forgotten_ - sequence + 1);
    auto gone = [sequence](const Kept& one) { return sequence <= 1 || one.sequence >= sequence; };
    for (size_t i = 0; i < kept_.size(); ++i)
      if (gone(kept_[i])) doubt.ids.push_back(kept_[i].id);
    kept_.remove_if(gone);
    return doubt;
  }
  /// A new instance counts from 1: what the one before sent can be lost only together with all of the new one's.
  void renumber() {
    for (size_t i = 0; i < kept_.size(); ++i) kept_[i].sequence = 0;
    forgotten_ = last_forgotten_ = 0;
  }

 private:
  struct Kept {
    Id128 id;
    uint64_t sequence = 0;  // 0: of an earlier instance
    MonoTime at{};
  };

  void forget_oldest() {
    const Kept gone = kept_.pop();
    if (gone.sequence == 0) return;
    ++forgotten_;
    last_forgotten_ = gone.sequence;
  }

  const size_t most_;
  const Duration time_;
  Ring<Kept> kept_;              // by rising time
  uint64_t forgotten_ = 0;       // of this instance
  uint64_t last_forgotten_ = 0;  // the highest number of these
};

}  // namespace mas::sdk
