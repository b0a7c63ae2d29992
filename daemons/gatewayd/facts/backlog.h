// How many messages and bytes wait in one stream, from what this gateway adds to it and from its length.
//
// Redis reports the number of a stream's entries, not their content. So this gateway remembers what it added, oldest
// first, in at most kParts parts of similar entries, and subtracts what has left, by the length, from the oldest. If
// one gateway writes and entries leave in order, the count is exact, except for a part of which some entries have left:
// its mean counts. Entries of other gateways, or from before, count with the mean of those that this gateway added
// last.
//
// While the stream is filled to more than half of a sender's share, each sender's part is counted, too. It is unknown
// whose messages leave, so each sender's count shrinks in proportion to the whole.
// Failure: none. Threading: none. Ownership: plain data; an empty backlog allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "proto/base/keyed_map.h"

namespace mas::gateway {

class Backlog {
 public:
  struct Size {
    uint64_t records = 0, bytes = 0;
  };

  /// An entry of this gateway was added.
  void add(uint64_t records, uint64_t bytes);
  /// What XLEN says now. @return how many messages left since the last time; 0 the first time.
  uint64_t measured(uint64_t length);
  /// Its length cannot be read.
  void clear();

  uint64_t entries() const { return entries_; }
  uint64_t records() const { return records_ + unknown(mean_records_); }
  uint64_t bytes() const { return bytes_ + unknown(mean_bytes_); }

  /// Begins to count by sender, where it does not yet.
  void count_senders() {
    if (by_sender_ == nullptr) by_sender_ = std::make_unique<KeyedMap<Size>>();
  }
  void forget_senders() { by_sender_.reset(); }
  bool counts_senders() const { return by_sender_ != nullptr; }
  /// A message of that sender is on its way into it. Only while senders are counted.
  void add_sender(std::string_view sender, uint64_t bytes);
  /// @return what of it is the sender's, about; nothing while senders are not counted.
  Size of_sender(std::string_view sender) const;

 private:
  static constexpr size_t kParts = 32;
  static constexpr size_t kMaxSenders = 10'000;  // that are counted; further ones are not

  /// Entries that were added one after another.
  struct Part {
    uint64_t entries = 0, records = 0, bytes = 0;
    bool known = true;  // else reckoned by the means
  };
  uint64_t unknown(double mean) const { return static_cast<uint64_t>(static_cast<double>(unknown_entries_) * mean); }
  void push(const Part& part);
  double difference(const Part& a, const Part& b) const;
  void join(size_t left);
  void take_off(uint64_t entries);
  void shrink_senders(uint64_t before, uint64_t after);

  std::vector<Part> parts_;
  uint64_t entries_ = 0, unknown_entries_ = 0;
  uint64_t records_ = 0, bytes_ = 0;  // of the known ones
  double mean_records_ = 1, mean_bytes_ = 1024;
  bool measured_ = false;
  std::unique_ptr<KeyedMap<Size>> by_sender_;
};

}  // namespace mas::gateway
