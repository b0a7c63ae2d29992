// Counts events per key in a sliding window: a table of fixed size, with ageing.
//
// A counter is two: what came in this period and in the one before, of which the part counts that the window still
// reaches back to (the sliding-window counter; "How we built rate limiting capable of scaling to millions of domains",
// Cloudflare blog, 2017). So a burst at the end of a period is not forgotten at its turn; the estimate assumes that the
// earlier period was even.
//
//     sets of 8 slots, a cache line or two each
//     key ─▶ its set ─▶ its slot, or one that is free, or the least used of the set
//
// When the set is full, the slot with the lowest count is replaced, and the new key begins at zero. So a full table
// lets too much pass rather than too little; keys that are used once do not displace high counts, and the keyed hash
// prevents aiming. Time that steps back by up to a period counts into the newest period; by more, the counter begins
// anew.
// Threading: none. Memory: 24 bytes a slot, taken at the first count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/clock.h"

namespace mas::gateway {

class WindowTable {
 public:
  /// The largest count; what keeps the arithmetic within 64 bits together with kMaxWindow.
  static constexpr uint32_t kMaxCount = 1'000'000'000;
  static constexpr WallMicros kMaxWindow = 3'600'000'000;

  /// One look-up; valid until the next.
  struct Slot {
    uint64_t key = 0;
    uint64_t period = 0;
    uint32_t count = 0;   ///< in that period
    uint32_t before = 0;  ///< in the one before it
  };

  /// Forgets everything. @param slots rounded up to a power of two, at least 8. @param window in (0, kMaxWindow].
  void reset(size_t slots, WallMicros window);

  /// @param key a keyed hash. @return whether one more makes at most `budget` in the window; nothing is counted.
  bool allows(uint64_t key, uint32_t budget, WallMicros now);
  /// Counts one.
  void add(uint64_t key, WallMicros now);

  size_t slots() const { return slots_; }

 private:
  static constexpr size_t kWays = 8;

  Slot* find(uint64_t key);
  Slot& claim(uint64_t key);
  void age(Slot& slot, WallMicros now) const;
  /// In the window that ends now, times the window.
  uint64_t weight(const Slot& slot, WallMicros now) const;

  size_t slots_ = kWays;
  WallMicros window_ = 60'000'000;
  std::vector<Slot> table_;
};

}  // namespace mas::gateway
