// A chain of digit groups, read from one of its groups on: sizes, gaps, digits, and what stands around.
//
// Detectors of numbers ask it for the form of a number ("3-2-4 with one separator") and whether that form stands by
// itself or is a part of something longer: an identifier, a decimal, a row of a table.
// Happy path: begin_at() for each group in turn; then the questions, all about the groups from that one on.
// Threading: none. Every question looks at a bounded number of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "daemons/gatewayd/dlp/detect/digit_groups.h"
#include "daemons/gatewayd/dlp/sight.h"

namespace mas::dlp {

/// Digits put together from groups, as many as there is room for.
struct Digits {
  static constexpr size_t kMax = 20;
  std::array<char, kMax> bytes{};
  size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};

class DigitGroupChain {
 public:
  DigitGroupChain(Sight& sight, std::span<const DigitGroup> groups)
      : sight_(sight), text_(sight.text()), groups_(groups) {}

  /// @param ahead digits of the chain from group `first` on.
  void begin_at(size_t first, uint32_t ahead) {
    first_ = first;
    here_ = groups_.subspan(first);
    ahead_ = ahead;
  }
  Sight& sight() const { return sight_; }
  /// All digits from here to the chain's end: no number that begins here has more.
  uint32_t digits_ahead() const { return ahead_; }
  char first_digit() const { return text_[group(0).begin]; }
  /// What stands directly before the first group, and behind group `n`; 0 outside of the text.
  char before() const { return group(0).begin > 0 ? text_[group(0).begin - 1] : '\0'; }
  char after(size_t n) const { return byte(group(n).end()); }
  /// Whether the chain has no groups before the one it is read from.
  bool at_start() const { return first_ == 0; }
  /// Whether it goes on here with single digits, as rows of a matrix do: what they spell begins with the first of them.
  bool within_single_digits() const {
    return first_ > 0 && groups_[first_ - 1].size == 1 && size_of(0) == 1 && size_of(1) == 1;
  }

  const DigitGroup& group(size_t n) const { return here_[n]; }
  bool has(size_t n) const { return n < here_.size(); }
  uint32_t size_of(size_t n) const { return has(n) ? group(n).size : 0; }
  /// Whether the first groups have these sizes; more may follow.
  bool sizes(auto... wanted) const {
    size_t n = 0;
    return ((size_of(n++) == static_cast<uint32_t>(wanted)) && ...);
  }
  /// @return what stands between group `n` and the next.
  std::string_view gap(size_t n) const {
    uint32_t end = group(n).end();
    return {text_.data() + end, group(n + 1).begin - end};
  }
  /// Whether this byte alone stands there.
  bool gap_is(size_t n, char c) const { return group(n + 1).begin == group(n).end() + 1 && text_[group(n).end()] == c; }
  /// Whether the gaps within the first `n` groups are the same: one byte, " - ", "--" or two spaces; no parenthesis.
  bool uniform(size_t n) const;
  Digits digits(size_t n) const;
  Span span(size_t n) const { return {group(0).begin, group(n - 1).end()}; }

  /// Whether the first `n` groups are no part of a longer word, decimal, path or identifier.
  bool stands_alone(size_t n) const;
  /// Whether the first `n` groups are cells of a table: another number stands beside them with nothing but
  /// spaces between, or the row above or below has the same form.
  bool among_columns(size_t n) const;
  /// @return where the row above or below begins that has the same form as the first `n` groups; the text's size: none.
  uint32_t row_above(size_t n) const;
  uint32_t row_below(size_t n) const;

 private:
  bool same_form(uint32_t other, Span own) const;
  char byte(size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  Sight& sight_;
  const std::string_view text_;
  const std::span<const DigitGroup> groups_;
  std::span<const DigitGroup> here_;  // from group `first_` on
  size_t first_ = 0;
  uint32_t ahead_ = 0;
};

/// Whether the key of `span`, of JSON or written before it in a text, calls it an id, a hash, a time or a count, or
/// tells something about data: `card_id`, `ssn_hash`. Such a key is no context, whatever else it names.
bool is_key_against(Sight& sight, Span span);

// The kinds of numbers. Each is told where a chain is read from, and looks for what begins there.

/// Payment cards in groups.
void see_grouped_card(const DigitGroupChain& chain);
/// Whether the first group has the size and the first digit of a payment card.
bool may_be_bare_card(const DigitGroupChain& chain);
/// Payment cards without separators.
void see_bare_card(const DigitGroupChain& chain);
/// Telephone numbers in groups, without their country's code.
void see_phone_in_groups(const DigitGroupChain& chain);
/// Telephone numbers that begin with a plus.
void see_phone_with_country(const DigitGroupChain& chain);
/// Telephone numbers in one group.
void see_bare_phone(const DigitGroupChain& chain);
/// Street addresses, whose number stands first or last.
void see_street_address(const DigitGroupChain& chain);
/// What begins with a digit and goes on in letters: Medicare numbers, wallets, MAC addresses.
void see_lettered(const DigitGroupChain& chain);
/// Digits that one or two letters stand before: diagnoses, IBAN, DEA and national insurance numbers.
void see_after_letters(const DigitGroupChain& chain);
/// Whether a pack is on that has identifiers of its own here.
bool wants_packs(const Sight& sight);
/// Identifiers of the packs that hold letters, in the whole document.
void see_pack_codes(Sight& sight);
/// Identifiers of the packs that consist of digits.
void see_pack_numbers(const DigitGroupChain& chain);
/// UK national insurance numbers with spaces: AB 12 34 56 C. @param begin of the letters.
void see_national_insurance(const DigitGroupChain& chain, uint32_t begin);

}  // namespace mas::dlp
