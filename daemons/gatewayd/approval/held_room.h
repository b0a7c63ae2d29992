// How much room there is for messages that wait for a person: bounded in messages and in bytes.
//
// What Redis has is looked at once a second by every gateway. What this one has held since the look before counts on
// top of it: a commit under way may not be in the answer. So with one gateway the bound is never exceeded, and with
// several by no more than what the others hold within a second.
// Pure. Threading: none.
#pragma once

#include <cstdint>
#include <utility>

namespace mas::gateway {

struct HeldAmount {
  uint64_t messages = 0, bytes = 0;
};

class HeldRoom {
 public:
  /// @param amount that Redis has now.
  void seen(const HeldAmount& amount) {
    seen_ = amount;
    before_ = std::exchange(since_, {});
  }
  bool has_room(const HeldAmount& bound, uint64_t bytes) const {
    return seen_.messages + before_.messages + since_.messages < bound.messages &&
           seen_.bytes + before_.bytes + since_.bytes + bytes <= bound.bytes;
  }
  void take(uint64_t bytes) {
    ++since_.messages;
    since_.bytes += bytes;
  }

 private:
  HeldAmount seen_;
  HeldAmount before_, since_;  // held between the last two looks, and since the last
};

}  // namespace mas::gateway
