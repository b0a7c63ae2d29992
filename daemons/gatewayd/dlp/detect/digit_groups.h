// Finds groups of digits, and chains of groups that little stands between: "(415) 555-2671" is 415, 555, 2671.
//
// Happy path: next() until it says false; groups() then is the next chain. Linear, and the memory is that of the longest
// chain.
// Threading: none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/byte_classes.h"

namespace mas::dlp {

struct DigitGroup {
  uint32_t begin = 0, size = 0;
  uint32_t end() const { return begin + size; }
};

class DigitGroups {
 public:
  static constexpr uint32_t kWidestGap = 3;  ///< bytes between two groups of a chain
  static constexpr uint32_t kShortest = 8;   ///< digits of a number in one group: a telephone number
  static constexpr uint32_t kShortestInGroups = 7;

  /// @param classes of the text. @param groups where chains are put: the caller's, so that it is allocated once.
  DigitGroups(std::string_view text, const ByteClasses& classes, std::vector<DigitGroup>& groups)
      : text_(text), classes_(classes), groups_(groups), starts_(classes.digit_starts(0)) {}

  bool next();
  /// Whether anything may begin in the chain: it has as many digits as the shortest number, or stands beside a plus, a letter
  /// or a space that may make something of fewer.
  bool may_hold_number() const;
  const std::vector<DigitGroup>& groups() const { return groups_; }
  /// How many digits the chain has in all.
  uint32_t digits() const { return digits_; }

 private:
  uint32_t next_start();
  bool stands_beside(const DigitGroup& group) const;
  bool follows(uint32_t end, uint32_t& ret_next) const;

  const std::string_view text_;
  const ByteClasses& classes_;
  std::vector<DigitGroup>& groups_;
  uint32_t at_ = 0, digits_ = 0;
  uint32_t word_ = 0;  // of the classes, in which the next group is looked for
  uint64_t starts_;    // those of it that are left
};

}  // namespace mas::dlp
