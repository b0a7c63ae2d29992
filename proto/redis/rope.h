// Commands whose large texts are not copied: they stay in the caller's memory until they are written to the socket. So
// a transaction of tens of megabytes is not held twice.
//
// Happy path: construct it with the memory whose texts need no copy; add() commands; give it to Connection::send().
// Texts that are short, or in other memory, are copied.
// Failure modes: std::bad_alloc.
// Threading: none. Ownership: `Lent::keep` keeps the lent memory alive until all of it was written, or until the rope
// is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/redis/command.h"

namespace mas::redis {

/// Memory that does not change while somebody holds `keep`.
struct Lent {
  std::shared_ptr<const void> keep;
  std::vector<std::string_view> places;  ///< disjoint, by rising address

  bool holds(std::string_view text) const;
};

class Rope {
 public:
  /// Shorter texts are copied: that costs less than to remember where they are.
  static constexpr size_t kLeastLeft = 128;

  Rope() = default;
  explicit Rope(Lent lent) : lent_(std::move(lent)) {}
  /// Of bytes that are commands already.
  Rope(std::string bytes, size_t count) : own_(std::move(bytes)), count_(count), size_(own_.size()) {}

  Rope& add(const Command& command);
  /// One command of many arguments.
  Rope& add(std::span<const Argument> arguments);

  size_t count() const { return count_; }
  /// Bytes that were not moved out yet.
  size_t size() const { return size_; }
  bool copied_all() const { return parts_.empty(); }
  /// Gives the bytes away, if copied_all(). The rope is then empty.
  std::string take_bytes();

  /// Appends the next bytes to `out`, `most` at most. @return how many.
  size_t move_to(std::string& out, size_t most);
  /// Leaves out the next bytes. @return how many they were.
  size_t skip(size_t most);

 private:
  /// A text that stands before own_[at].
  struct Part {
    size_t at;
    std::string_view text;
  };
  void append(std::string_view text);
  std::string_view next() const;
  void passed(size_t bytes);

  Lent lent_;
  std::string own_;
  std::vector<Part> parts_;
  size_t count_ = 0, size_ = 0;
  size_t own_at_ = 0, part_ = 0, part_at_ = 0;  // what comes next
};

}  // namespace mas::redis
