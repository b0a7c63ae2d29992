// How many messages to a target failed and how many did not, in the last window: counting buckets.
//
// The window is kBuckets parts of equal length; a part counts until it is a whole window old. So the window is between
// (kBuckets - 1) / kBuckets of its length and all of it, and nothing is kept per message.
// Time that steps back counts into the newest bucket.
// Threading: none. No allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/base/clock.h"

namespace mas::gateway {

class OutcomeWindow {
 public:
  struct Totals {
    uint64_t failed = 0;
    uint64_t all = 0;
  };

  /// @param window longer than zero; one that changes begins anew.
  void add(bool failed, uint64_t count, Duration window, WallMicros now) {
    move(window, now);
    Totals& bucket = buckets_[part_ % kBuckets];
    bucket.all += count;
    if (failed) bucket.failed += count;
  }
  Totals totals(Duration window, WallMicros now) {
    move(window, now);
    Totals sum;
    for (const Totals& bucket : buckets_) {
      sum.failed += bucket.failed;
      sum.all += bucket.all;
    }
    return sum;
  }
  void clear() { buckets_ = {}; }

 private:
  static constexpr size_t kBuckets = 10;

  void move(Duration window, WallMicros now) {
    auto length = std::chrono::duration_cast<std::chrono::microseconds>(window).count() / WallMicros{kBuckets};
    if (length < 1) length = 1;
    if (length != length_) {
      clear();
      length_ = length;
      part_ = 0;
    }
    auto part = static_cast<uint64_t>((now > 0 ? now : 0) / length);
    if (part <= part_) return;
    if (part - part_ >= kBuckets)
      clear();
    else
      for (uint64_t fresh = part_ + 1; fresh <= part; ++fresh) buckets_[fresh % kBuckets] = {};
    part_ = part;
  }

  std::array<Totals, kBuckets> buckets_{};
  WallMicros length_ = 0;  // of a part
  uint64_t part_ = 0;      // the newest, counted from 1970
};

}  // namespace mas::gateway
