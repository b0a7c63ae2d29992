// The digit scanner.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include <array>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr auto kSeparates = [] {
  std::array<bool, 256> separates{};
  for (unsigned char c : {'-', ' ', '.', '/', '(', ')', '_'}) separates[c] = true;
  return separates;
}();
bool separates(char c) { return kSeparates[static_cast<unsigned char>(c)]; }

}  // namespace

/// Whether the group is the inside of a word, of a hash or an id: three letters or digits stand before it. Nothing that is
/// looked for begins so.
bool DigitGroups::inside_word(uint32_t begin) const {
  return begin >= 3 && is_alnum(text_[begin - 1]) && is_alnum(text_[begin - 2]) && is_alnum(text_[begin - 3]);
}

/// @return whether another group follows within reach.
bool DigitGroups::follows(uint32_t end, uint32_t& ret_next) const {
  uint32_t at = end;
  while (at < text_.size() && at - end < kWidestGap && separates(text_[at])) ++at;
  if (at >= text_.size() || !is_digit(text_[at])) return false;
  ret_next = at;
  return true;
}

bool DigitGroups::next() {
  using Word = ByteClasses::Word;
  groups_.clear();
  uint32_t begin = classes_.next(&Word::digits, at_);
  while (begin < text_.size() && inside_word(begin))
    begin = classes_.next(&Word::digits, classes_.end(&Word::alnum, begin));
  if (begin >= text_.size()) return false;
  digits_ = 0;
  do {
    at_ = classes_.end(&Word::digits, begin);
    groups_.push_back({begin, at_ - begin});
    digits_ += at_ - begin;
  } while (follows(at_, begin));
  return true;
}

}  // namespace mas::dlp
