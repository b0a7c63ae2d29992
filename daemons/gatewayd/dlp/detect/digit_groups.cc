// The digit scanner.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include <array>
#include <cstring>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using Block = unsigned char __attribute__((vector_size(16)));

bool separates(char c) { return c == '-' || c == ' ' || c == '.' || c == '/' || c == '(' || c == ')'; }

}  // namespace

uint32_t DigitGroups::find_digit(uint32_t from) const {
  const char* data = text_.data();
  auto size = static_cast<uint32_t>(text_.size());
  for (; from + 16 <= size; from += 16) {
    Block bytes;
    std::memcpy(&bytes, data + from, sizeof bytes);
    auto digits = (bytes - '0') < 10;
    std::array<uint64_t, 2> marks;
    std::memcpy(&marks, &digits, sizeof marks);
    if ((marks[0] | marks[1]) != 0) break;
  }
  while (from < size && !is_digit(data[from])) ++from;
  return from;
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
  if (begin >= text_.size()) return false;
  do {
    at_ = begin;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    groups_.push_back({begin, at_ - begin});
  } while (follows(at_, begin));
  return true;
}

}  // namespace mas::dlp
