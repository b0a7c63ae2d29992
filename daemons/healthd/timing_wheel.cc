// Slots as doubly linked lists through one array of nodes.
#include "daemons/healthd/timing_wheel.h"

#include <algorithm>

namespace mas::health {

void TimingWheel::set(uint32_t item, MonoTime due) {
  if (item >= nodes_.size()) nodes_.resize(item + 1);
  remove(item);
  int64_t since_epoch = due.time_since_epoch().count();
  int64_t tick = since_epoch / kSlot.count() + (since_epoch % kSlot.count() != 0 ? 1 : 0);
  if (current_ != INT64_MIN) tick = std::max(tick, current_);
  Node& node = nodes_[item];
  node.tick = tick;
  node.slot = static_cast<uint32_t>(static_cast<uint64_t>(tick) % kSlots);
  node.previous = kNone;
  node.next = heads_[node.slot];
  if (node.next != kNone) nodes_[node.next].previous = item;
  heads_[node.slot] = item;
}

void TimingWheel::remove(uint32_t item) {
  if (!contains(item)) return;
  Node& node = nodes_[item];
  if (node.previous != kNone) {
    nodes_[node.previous].next = node.next;
  } else {
    heads_[node.slot] = node.next;
  }
  if (node.next != kNone) nodes_[node.next].previous = node.previous;
  node.slot = kNone;
}

void TimingWheel::take_due(MonoTime now, size_t max, std::vector<uint32_t>& ret_items) {
  int64_t now_tick = now.time_since_epoch().count() / kSlot.count();
  // After a pause of more than a turn every slot is looked at once.
  if (current_ < now_tick - kSlots) current_ = now_tick - kSlots + 1;
  for (; current_ <= now_tick; ++current_) {
    uint32_t item = heads_[static_cast<uint64_t>(current_) % kSlots];
    while (item != kNone) {
      uint32_t next = nodes_[item].next;
      if (nodes_[item].tick <= now_tick) {
        if (ret_items.size() >= max) return;
        remove(item);
        ret_items.push_back(item);
      }
      item = next;
    }
    if (current_ == now_tick) return;  // its slot may still be added to
  }
}

}  // namespace mas::health
