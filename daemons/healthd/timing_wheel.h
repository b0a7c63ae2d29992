// When what is due: a hashed timing wheel over small integers (G. Varghese and A. Lauck, "Hashed and Hierarchical
// Timing Wheels", SOSP 1987).
//
// Setting, changing and removing a due time cost O(1) and no allocation; taking what is due costs the slots that passed
// since the last time. Items further away than one turn stay in their slot for the turns it takes.
// The due time is rounded up to the next slot. Pure; threading: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/base/clock.h"

namespace mas::health {

class TimingWheel {
 public:
  static constexpr Duration kSlot = std::chrono::milliseconds(50);

  TimingWheel() : heads_(kSlots, kNone) {}

  /// Sets when `item` is due; replaces an earlier time.
  void set(uint32_t item, MonoTime due);
  void remove(uint32_t item);
  bool contains(uint32_t item) const { return item < nodes_.size() && nodes_[item].slot != kNone; }

  /// Takes items that are due at `now`, at most `max` of them; those left over are due at the next call.
  void take_due(MonoTime now, size_t max, std::vector<uint32_t>& ret_items);

 private:
  static constexpr uint32_t kSlots = 2048;  // one turn: 102 s, more than the usual heartbeat's life
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Node {
    int64_t tick = 0;
    uint32_t slot = kNone;
    uint32_t previous = kNone;
    uint32_t next = kNone;
  };

  std::vector<uint32_t> heads_;
  std::vector<Node> nodes_;
  int64_t current_ = INT64_MIN;  // the oldest tick whose slot may hold something due
};

}  // namespace mas::health
