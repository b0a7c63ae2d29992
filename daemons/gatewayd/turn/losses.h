// Whether Redis went back in time: what a partition's owner finds there when it fences it anew, against what it saw before.
//
// Epochs and the numbers of audit blocks only rise, whoever owns the partition. One that is lower than it was is what a
// Redis without its data shows, an older snapshot, or a replica that had not all of it: messages that were accepted may
// be gone.
// Pure. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mas::gateway {

class Losses {
 public:
  enum What : uint8_t { kEpoch, kBlock };

  /// What the partition has now. A fence raises the epoch, so one that is found again was lost, too.
  void compare(unsigned partition, What what, uint64_t value) {
    uint64_t& seen = seen_[partition].values[what];
    const bool back = what == kEpoch ? value <= seen : value < seen;
    if (back) note(partition, what, seen, value);
    seen = value;
  }
  /// A commit has written a block. @param next the number of the next one.
  void committed(unsigned partition, uint64_t next) { seen_[partition].values[kBlock] = next; }
  /// @return what was found since the last call, one sentence; empty: nothing.
  std::string take() {
    if (found_.empty()) return {};
    std::string text = std::to_string(found_.size()) + " partitions went back in time: " + found_.begin()->second;
    if (found_.size() > 1) text += " and others";
    found_.clear();
    return text;
  }

 private:
  struct Seen {
    uint64_t values[2] = {0, 0};
  };

  void note(unsigned partition, What what, uint64_t seen, uint64_t value) {
    const std::string_view name = what == kEpoch ? "epoch" : "next audit block";
    std::string& text = found_[partition];
    text += text.empty() ? "of partition " + std::to_string(partition) + " the " : ", the ";
    text.append(name).append(" was ").append(std::to_string(seen)).append(" and is ").append(std::to_string(value));
  }

  std::map<unsigned, Seen> seen_;
  std::map<unsigned, std::string> found_;
};

}  // namespace mas::gateway
