// Redis's clock as the turns see it: what TIME said last, about what it says now, and by how much it was set.
// Pure. Threading: none.
#pragma once

#include <chrono>

#include "proto/base/clock.h"

namespace mas::gateway {

class TurnClock {
 public:
  static constexpr WallMicros kStep = 10'000'000;  ///< less may be a slow answer

  /// @param time that TIME answered. @param at when it did, by our own clock, which nobody sets.
  /// @return by how much Redis's clock was set since the last answer; 0: it was not, or by less than kStep.
  WallMicros take(WallMicros time, MonoTime at) {
    const WallMicros by = last_ == 0 ? 0 : time - now(at);
    last_ = time;
    at_ = at;
    if (by < kStep && by > -kStep) return 0;
    steps_ += by;
    return by;
  }
  /// The last answer; 0: there was none.
  WallMicros last() const { return last_; }
  /// What it should be by now; 0: it was never asked.
  WallMicros now(MonoTime at = mono_now()) const {
    return last_ == 0 ? 0 : last_ + std::chrono::duration_cast<std::chrono::microseconds>(at - at_).count();
  }
  /// All steps together.
  WallMicros steps() const { return steps_; }

 private:
  WallMicros last_ = 0, steps_ = 0;
  MonoTime at_{};
};

}  // namespace mas::gateway
