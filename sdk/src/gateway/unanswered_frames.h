// The frames that went out and have no answer yet: by their numbers, which is the order in which they are handled, and
// by their ids, which is what a receipt names. Both always hold the same frames.
//
// Pure. Threading: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <unordered_map>

#include "proto/base/ids.h"

namespace mas::sdk {

class UnansweredFrames {
 public:
  struct Frame {
    Id128 id;
    uint64_t first;        ///< sequence number of its first message
    uint32_t count;        ///< of messages; 0: a probe
    bool written = false;  ///< Redis said so

    uint64_t past() const { return first + count; }
  };
  using Frames = std::map<uint64_t, Frame>;  // by number
  using Iterator = Frames::iterator;

  /// @return the frame's number: rises by one with each, also over clear().
  uint64_t add(const Id128& id, uint64_t first, uint32_t count) {
    const uint64_t number = ++last_number_;
    frames_.emplace(number, Frame{id, first, count});
    numbers_.emplace(id, number);
    return number;
  }
  bool empty() const { return frames_.empty(); }
  size_t size() const { return frames_.size(); }
  bool holds(uint64_t number) const { return frames_.contains(number); }
  /// @return end() where no frame of that id is without an answer.
  Iterator find(const Id128& id) {
    auto known = numbers_.find(id);
    return known == numbers_.end() ? frames_.end() : frames_.find(known->second);
  }
  Iterator begin() { return frames_.begin(); }
  Iterator end() { return frames_.end(); }
  /// @return the first with that number or a later one.
  Iterator from(uint64_t number) { return frames_.lower_bound(number); }
  /// @return whether a frame has messages behind `sequence`, or that one.
  bool reach(uint64_t sequence) const {
    return std::any_of(frames_.begin(), frames_.end(),
                       [sequence](const auto& entry) { return entry.second.past() > sequence; });
  }
  /// The frame is answered, or will never be. @return the next one.
  Iterator erase(Iterator frame) {
    numbers_.erase(frame->second.id);
    return frames_.erase(frame);
  }
  void clear() {
    frames_.clear();
    numbers_.clear();
  }

 private:
  struct IdHash {
    size_t operator()(const Id128& id) const {
      size_t random;
      std::memcpy(&random, id.bytes.data(), sizeof random);
      return random;
    }
  };

  Frames frames_;
  std::unordered_map<Id128, uint64_t, IdHash> numbers_;
  uint64_t last_number_ = 0;
};

}  // namespace mas::sdk
