// Spaces pieces of work by what they cost: the next one begins no sooner than a multiple of the time that the last one
// took after its end. So work that others can ask for takes at most a fixed share of the time, however often they ask.
// Pure; threading: none.
#pragma once

#include <algorithm>

#include "proto/base/clock.h"

namespace mas::common {

class CostSpacing {
 public:
  /// @param factor rest as a multiple of the work, but at least `shortest` and at most `longest`.
  explicit CostSpacing(int factor, Duration shortest = Duration(0), Duration longest = std::chrono::hours(1))
      : factor_(factor), shortest_(shortest), longest_(longest) {}

  void begin(MonoTime now) { began_ = now; }
  void end(MonoTime now) { next_ = now + std::clamp<Duration>(factor_ * (now - began_), shortest_, longest_); }

  /// @return how long to wait until the next piece may begin; zero: it may now.
  Duration wait(MonoTime now) const { return std::max(Duration(0), Duration(next_ - now)); }

 private:
  int factor_;
  Duration shortest_;
  Duration longest_;
  MonoTime began_{};
  MonoTime next_{};
};

}  // namespace mas::common
