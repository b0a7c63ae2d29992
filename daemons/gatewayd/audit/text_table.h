// Texts of one block, each stored once and named by a number.
//
// Happy path: index_of() gives the number of a text, storing it the first time; 0 is the empty text and is not stored.
// clear() forgets the texts and keeps the memory, so that a table that is warm allocates nothing.
// Threading: none. Ownership: texts are copied. Senders choose the texts, so the hash is keyed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/keyed_map.h"

namespace mas::gateway::audit {

class TextTable {
 public:
  TextTable() : slots_(kFirstSlots) {}

  /// @param text at most 65,535 bytes. @return its number; numbers count from 1 in the order of first use.
  uint16_t index_of(std::string_view text) {
    if (text.empty()) return 0;
    if (offsets_.size() * 2 >= slots_.size()) grow();
    auto hash = static_cast<uint32_t>(keyed_hash(text));
    Slot& slot = find(text, hash);
    if (slot.generation != generation_) store(slot, text, hash);
    return slot.index;
  }

  void clear() {
    encoded_.clear();
    offsets_.clear();
    if (++generation_ != 0) return;
    for (Slot& slot : slots_) slot = {};  // once in four billion blocks
    generation_ = 1;
  }

  size_t size() const { return offsets_.size(); }
  /// Every text in order, each as a text16.
  std::string_view encoded() const { return encoded_; }

 private:
  struct Slot {
    uint32_t generation = 0;  // in use when it is the table's
    uint32_t hash = 0;
    uint16_t index = 0;
  };
  static constexpr size_t kFirstSlots = 256;  // a power of two; at most half are in use

  std::string_view stored(uint16_t index) const {
    size_t end = index < offsets_.size() ? offsets_[index] : encoded_.size();
    size_t begin = offsets_[index - 1u] + sizeof(uint16_t);
    return std::string_view(encoded_).substr(begin, end - begin);
  }

  Slot& find(std::string_view text, uint32_t hash) {
    size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.generation != generation_ || (slot.hash == hash && stored(slot.index) == text)) return slot;
    }
  }

  void store(Slot& slot, std::string_view text, uint32_t hash) {
    offsets_.push_back(static_cast<uint32_t>(encoded_.size()));
    ByteWriter(encoded_).text16(text);
    slot = {generation_, hash, static_cast<uint16_t>(offsets_.size())};
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.generation == generation_) find(stored(slot.index), slot.hash) = slot;
  }

  uint32_t generation_ = 1;
  std::string encoded_;
  std::vector<uint32_t> offsets_;  // of text i + 1 in encoded_
  std::vector<Slot> slots_;
};

}  // namespace mas::gateway::audit
