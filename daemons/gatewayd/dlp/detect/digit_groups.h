// Finds groups of digits, and chains of groups that little stands between: "(415) 555-2671" is 415, 555, 2671.
//
// Most digits of a message are counters, times and parts of ids, of which nothing begins. They are left out sixty-four
// bytes at a time, by the bits of the classes: fields, runs of digits and of what stands between groups, are looked at
// only where they are as long as the shortest number, or where a group stands beside a letter or sign that may make
// something of it.
//
// Happy path: next() until it says false; groups() then is the next chain. Linear, and the memory is that of the
// longest chain.
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
      : text_(text), classes_(classes), groups_(groups) {}

  bool next();
  /// Whether anything may begin in the chain: it has as many digits as the shortest number, or stands beside a letter,
  /// a space or another sign that may make something of fewer.
  bool may_hold_number() const;
  const std::vector<DigitGroup>& groups() const { return groups_; }
  /// How many digits the chain has in all.
  uint32_t digits() const { return digits_; }

 private:
  bool next_field();
  uint32_t next_digit() const;
  uint64_t live_field_ends(const ByteClasses::Word& word, uint64_t starts);
  bool is_inside_word(uint32_t begin) const;
  bool stands_beside(const DigitGroup& group) const;

  /// What a word of classes leaves to the next.
  struct Before {
    bool group = false;                        ///< a group reaches its end that may begin a chain
    bool held = false;                         ///< a field does that has such a group
    bool marked = false;                       ///< a field does that has what makes it worth a look
    uint64_t fields = 0, twos = 0, fours = 0;  ///< its bytes of fields; the last of two and of four in a row
    uint64_t sides = 0;                        ///< its letters and signs that make something of a group
  };

  const std::string_view text_;
  const ByteClasses& classes_;
  std::vector<DigitGroup>& groups_;
  uint32_t at_ = 0, field_end_ = 0;  // what is left of the field
  uint32_t digits_ = 0;
  uint32_t word_ = 0;  // of the classes: the next to look for fields in
  uint64_t ends_ = 0;  // of fields in the one before, that are left
  Before before_;
};

}  // namespace mas::dlp
