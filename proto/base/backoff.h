// Capped exponential backoff with jitter: the wait before attempt n is uniform in [base/2, min(cap, base·2ⁿ)].
// Jitter spreads the herd of clients that lost the same server at the same moment (M. Brooker, "Exponential Backoff and
// Jitter", AWS Architecture Blog, 2015); the floor keeps a single client from spinning.
// Pure: the caller brings the random number.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "proto/base/clock.h"

namespace mas {

class Backoff {
 public:
  Backoff(Duration base, Duration cap) : base_(base), cap_(std::max(base, cap)) {}

  /// @param random any 64 random bits. @return how long to wait before the next attempt.
  Duration next(uint64_t random) {
    Duration ceiling = base_;
    for (unsigned i = 0; i < attempts_ && ceiling < cap_; ++i) ceiling *= 2;
    ceiling = std::min(ceiling, cap_);
    ++attempts_;
    auto floor = base_ / 2;
    auto span = static_cast<uint64_t>((ceiling - floor).count()) + 1;
    return floor + Duration(static_cast<int64_t>(random % span));
  }

  void reset() { attempts_ = 0; }
  unsigned attempts() const { return attempts_; }

 private:
  Duration base_;
  Duration cap_;
  unsigned attempts_ = 0;
};

}  // namespace mas
