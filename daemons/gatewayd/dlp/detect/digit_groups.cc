// The digit scanner.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include "daemons/gatewayd/dlp/byte_block.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

bool separates(char c) { return c == '-' || c == ' ' || c == '.' || c == '/' || c == '(' || c == ')' || c == '_'; }

}  // namespace

/// @return the first digit at or behind `from`.
uint32_t DigitGroups::find_digit(uint32_t from) const {
  const char* data = text_.data();
  auto size = static_cast<uint32_t>(text_.size());
  for (; from + 16 <= size; from += 16) {
    uint32_t found = bits_of((load_block(data + from) - '0') < 10);
    if (found != 0) return from + static_cast<uint32_t>(std::countr_zero(found));
  }
  while (from < size && !is_digit(data[from])) ++from;
  return from;
}

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
  groups_.clear();
  uint32_t begin = find_digit(at_);
  while (begin < text_.size() && inside_word(begin)) {
    while (begin < text_.size() && is_alnum(text_[begin])) ++begin;
    begin = find_digit(begin);
  }
  if (begin >= text_.size()) return false;
  digits_ = 0;
  do {
    at_ = begin;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    groups_.push_back({begin, at_ - begin});
    digits_ += at_ - begin;
  } while (follows(at_, begin));
  return true;
}

}  // namespace mas::dlp
