// Whether Redis's clock was set forward: then everything with a time to live ended before its time, and an absent
// heartbeat proves nothing.
//
// Happy path: answered() takes each answer to TIME and compares it with this host's monotonic clock, which nobody sets.
// Failure modes: a step of less than kLeast, or than what the two answers around it leave uncertain, is not seen. A
// clock that is set back makes nothing end too soon, and is only remembered.
// Pure; threading: none.
#pragma once

#include <chrono>
#include <optional>

#include "proto/base/clock.h"

namespace mas::health {

class ClockStep {
 public:
  static constexpr Duration kLeast = std::chrono::seconds(1);

  /// @param theirs what Redis answered. @param sent when it was asked. @param now when the answer came.
  /// @return whether its clock was set forward since the answer before; false for the first one.
  bool answered(WallMicros theirs, MonoTime sent, MonoTime now) {
    const Duration at = std::chrono::microseconds(theirs);
    const Duration least = at - now.time_since_epoch(), most = at - sent.time_since_epoch();
    const bool forward = most_ahead_ && least - *most_ahead_ >= kLeast;
    most_ahead_ = most;
    return forward;
  }

 private:
  std::optional<Duration> most_ahead_;  // of this host's clock, as of the last answer
};

}  // namespace mas::health
