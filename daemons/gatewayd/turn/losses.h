// Whether Redis went back in time: what a partition's owner finds there when it fences it anew, against what it saw
// before.
//
// Epochs and the numbers of audit blocks only rise, whoever owns the partition, and so do the numbers of a sender's
// instance for as long as it is remembered. One that is lower than it was is what a Redis without its data shows, an
// older snapshot, or a replica that had not all of it: messages that were accepted may be gone. All of a commit comes
// and goes together, so of the senders one is enough: the one that the last commit wrote.
// Pure. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.h"

namespace mas::gateway {

class Losses {
 public:
  enum What : uint8_t { kEpoch, kBlock };

  /// What the partition has now. A fence raises the epoch, so one that is found again was lost, too.
  void compare(unsigned partition, What what, uint64_t value) {
    uint64_t& seen = seen_[partition].values[what];
    const bool back = what == kEpoch ? value <= seen : value < seen;
    if (back) note(partition, what == kEpoch ? "epoch" : "next audit block", seen, value);
    seen = value;
  }
  /// A commit has written a block. @param next the number of the next one.
  void committed(unsigned partition, uint64_t next) { seen_[partition].values[kBlock] = next; }
  /// A commit has written what is remembered of a sender's instance. @param field of mas.sender:{p}. @param last its
  /// last number.
  void committed(unsigned partition, std::string_view field, uint64_t last, MonoTime now) {
    Sender& sender = seen_[partition].sender;
    sender.field = field;
    sender.last = last;
    sender.at = now;
  }
  /// @return the instance that is to be looked for, its field; empty: none. @param kept how long one is remembered at
  /// least.
  std::string_view sender(unsigned partition, MonoTime now, Duration kept) const {
    auto seen = seen_.find(partition);
    if (seen == seen_.end() || now - seen->second.sender.at >= kept) return {};
    return seen->second.sender.field;
  }
  /// What the partition has of that instance now; nullopt: nothing.
  void compare_sender(unsigned partition, std::optional<uint64_t> last) {
    Sender& sender = seen_[partition].sender;
    if (last.value_or(0) < sender.last) note(partition, "sender's number", sender.last, last.value_or(0));
    sender = {};
  }
  /// Redis's clock was set: what is silent by it may be forgotten.
  void forget_senders() {
    for (auto& [partition, seen] : seen_) seen.sender = {};
  }
  /// @return what was found since the last call, one sentence; empty: nothing.
  std::string take() {
    if (found_.empty()) return {};
    std::string text = std::to_string(found_.size()) + " partitions went back in time: " + found_.begin()->second;
    if (found_.size() > 1) text += " and others";
    found_.clear();
    return text;
  }

 private:
  struct Sender {
    std::string field;
    uint64_t last = 0;
    MonoTime at{};
  };
  struct Seen {
    uint64_t values[2] = {0, 0};
    Sender sender;
  };

  void note(unsigned partition, std::string_view name, uint64_t seen, uint64_t value) {
    std::string& text = found_[partition];
    text += text.empty() ? "of partition " + std::to_string(partition) + " the " : ", the ";
    text.append(name).append(" was ").append(std::to_string(seen)).append(" and is ").append(std::to_string(value));
  }

  std::map<unsigned, Seen> seen_;
  std::map<unsigned, std::string> found_;
};

}  // namespace mas::gateway
