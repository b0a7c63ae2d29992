// Slots found, aged, claimed.
#include "daemons/gatewayd/guard/window_table.h"

#include <algorithm>
#include <bit>

namespace mas::gateway {

void WindowTable::reset(size_t slots, WallMicros window) {
  slots_ = std::bit_ceil(std::max(slots, kWays));
  window_ = std::clamp<WallMicros>(window, 1, kMaxWindow);
  table_ = {};
}

WindowTable::Slot* WindowTable::find(uint64_t key) {
  if (table_.empty()) return nullptr;
  Slot* set = &table_[(key & (slots_ / kWays - 1)) * kWays];
  auto* found = std::find_if(set, set + kWays, [key](const Slot& slot) { return slot.key == key; });
  return found == set + kWays ? nullptr : found;
}

WindowTable::Slot& WindowTable::claim(uint64_t key) {
  if (table_.empty()) table_.resize(slots_);
  if (Slot* known = find(key)) return *known;
  Slot* set = &table_[(key & (slots_ / kWays - 1)) * kWays];
  // What is older counts less, whatever it counted: one period back halves it, two forget it.
  const uint64_t newest =
      std::max_element(set, set + kWays, [](const Slot& a, const Slot& b) { return a.period < b.period; })->period;
  auto worth = [newest](const Slot& slot) -> uint64_t {
    if (newest - slot.period > 1) return 0;
    return newest == slot.period ? 2 * (uint64_t{slot.count} + slot.before) : slot.count;
  };
  Slot* least = std::min_element(set, set + kWays, [&](const Slot& a, const Slot& b) { return worth(a) < worth(b); });
  *least = Slot{.key = key};
  return *least;
}

void WindowTable::age(Slot& slot, WallMicros now) const {
  auto period = static_cast<uint64_t>(std::max<WallMicros>(now, 0) / window_);
  if (period == slot.period || period + 1 == slot.period) return;
  slot.before = period == slot.period + 1 ? slot.count : 0;
  slot.count = 0;
  slot.period = period;
}

uint64_t WindowTable::weight(const Slot& slot, WallMicros now) const {
  auto begin = static_cast<WallMicros>(slot.period) * window_;
  auto into = static_cast<uint64_t>(std::clamp<WallMicros>(now - begin, 0, window_));
  auto window = static_cast<uint64_t>(window_);
  return slot.count * window + slot.before * (window - into);
}

bool WindowTable::allows(uint64_t key, uint32_t budget, WallMicros now) {
  Slot* slot = find(key);
  if (slot == nullptr) return budget > 0;
  age(*slot, now);
  auto window = static_cast<uint64_t>(window_);
  return weight(*slot, now) + window <= std::min(budget, kMaxCount) * window;
}

void WindowTable::add(uint64_t key, WallMicros now) {
  Slot& slot = claim(key);
  age(slot, now);
  if (slot.count < kMaxCount) ++slot.count;
}

}  // namespace mas::gateway
