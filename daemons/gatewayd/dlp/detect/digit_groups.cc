// The digit scanner.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include <algorithm>
#include <array>
#include <bit>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using Word = ByteClasses::Word;

// What a byte beside a group is.
constexpr uint8_t kBegins = 1;  // before a group that something begins with: a plus, a code's letter, a street
constexpr uint8_t kGoesOn = 2;  // behind one
constexpr auto kAround = [] {
  std::array<uint8_t, 256> around{};
  for (unsigned i = 0; i < 256; ++i) {
    auto c = static_cast<char>(i);
    if (is_letter(c) || c == '+' || c == ' ') around[i] |= kBegins;
    if (is_letter(c) || c == '-' || c == ':' || c == ',' || c == ' ') around[i] |= kGoesOn;
  }
  return around;
}();

/// @param marks bits within the runs. @param carry whether a run that began in the word before, and goes on here, has a
/// mark; set for the next word.
/// @return the first bit behind each run that has a mark.
inline uint64_t ends_of_marked(uint64_t runs, uint64_t marks, bool& carry) {
  // A mark that is added carries to where its run ends.
  uint64_t sum = 0;
  bool first = __builtin_add_overflow(runs, marks, &sum), second = __builtin_add_overflow(sum, uint64_t{carry}, &sum);
  carry = first || second;
  return sum & ~runs;
}

}  // namespace

/// Finds the fields that may hold a number. Such a field has a group of digits that does not begin inside of a word;
/// and it is as long as the shortest number, or a letter or sign stands beside such a group. A plus is not among these
/// signs: it makes no number of fewer digits.
/// @param starts where groups begin that are not inside of words. @return the first byte behind each such field.
inline uint64_t DigitGroups::live_field_ends(const Word& word, uint64_t starts) {
  static_assert(kShortestInGroups == 7 && kShortestInGroups < kShortest);
  const auto behind = ByteClasses::behind;
  uint64_t sides = (word.alnum & ~word.digits) | word.sides;
  uint64_t twos = word.fields & behind(word.fields, before_.fields, 1), fours = twos & behind(twos, before_.twos, 2);
  uint64_t sevens = fours & behind(fours, before_.fours, 3);
  uint64_t sided = starts & behind(sides, before_.sides, 1);
  uint64_t sided_ends = ends_of_marked(word.digits, starts, before_.group) & sides;
  uint64_t ends = ends_of_marked(word.fields, starts, before_.held);
  uint64_t marks = sevens | sided | (sided_ends & word.fields);
  ends &= ends_of_marked(word.fields, marks, before_.marked) | sided_ends;
  before_.fields = word.fields;
  before_.twos = twos;
  before_.fours = fours;
  before_.sides = sides;
  return ends;
}

/// Sets at_ and field_end_ to the next field that is worth a look. @return whether there is one.
inline bool DigitGroups::next_field() {
  while (ends_ == 0) {
    if (word_ == classes_.words()) return false;
    ends_ = live_field_ends(classes_.word(word_), classes_.digit_starts(word_));
    ++word_;
  }
  field_end_ = (word_ - 1) * ByteClasses::kBits + static_cast<uint32_t>(std::countr_zero(ends_));
  ends_ &= ends_ - 1;
  at_ = classes_.begin(&Word::fields, field_end_);
  return true;
}

/// Of a word, of a hash or an id: three letters or digits stand before it. No chain begins there.
inline bool DigitGroups::is_inside_word(uint32_t begin) const {
  return begin >= 3 && is_alnum(text_[begin - 1]) && is_alnum(text_[begin - 2]) && is_alnum(text_[begin - 3]);
}

/// Whether what stands beside a group may make something of it, however short it is.
inline bool DigitGroups::stands_beside(const DigitGroup& group) const {
  uint8_t before = group.begin > 0 ? kAround[static_cast<unsigned char>(text_[group.begin - 1])] : 0;
  uint8_t after = group.end() < text_.size() ? kAround[static_cast<unsigned char>(text_[group.end()])] : 0;
  return ((before & kBegins) | (after & kGoesOn)) != 0;
}

bool DigitGroups::may_hold_number() const {
  if (digits_ >= (groups_.size() == 1 ? kShortest : kShortestInGroups)) return true;
  return std::any_of(groups_.begin(), groups_.end(), [this](const DigitGroup& group) { return stands_beside(group); });
}

/// @return the next digit of the field; its end for none. Most fields end with a group: what follows is not looked at.
inline uint32_t DigitGroups::next_digit() const {
  return at_ < field_end_ ? std::min(classes_.next(&Word::digits, at_), field_end_) : field_end_;
}

bool DigitGroups::next() {
  groups_.clear();
  digits_ = 0;
  uint32_t begin = next_digit();
  while (begin == field_end_ || is_inside_word(begin)) {
    if (begin < field_end_)
      at_ = classes_.end(&Word::digits, begin);
    else if (!next_field())
      return false;
    begin = next_digit();
  }
  while (true) {
    at_ = classes_.end(&Word::digits, begin);
    groups_.push_back({begin, at_ - begin});
    digits_ += at_ - begin;
    begin = next_digit();
    if (begin == field_end_ || begin - at_ > kWidestGap) return true;
  }
}

}  // namespace mas::dlp
