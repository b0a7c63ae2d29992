// The digit scanner.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

// What a byte beside a group is.
constexpr uint8_t kSeparates = 1;  // between groups
constexpr uint8_t kBegins = 2;     // before a group that something begins with: a plus, a code's letter, a street
constexpr uint8_t kGoesOn = 4;     // behind one
constexpr auto kAround = [] {
  std::array<uint8_t, 256> around{};
  for (unsigned char c : {'-', ' ', '.', '/', '(', ')', '_'}) around[c] |= kSeparates;
  for (unsigned i = 0; i < 256; ++i) {
    auto c = static_cast<char>(i);
    if (is_letter(c) || c == '+' || c == ' ') around[i] |= kBegins;
    if (is_letter(c) || c == '-' || c == ':' || c == ',' || c == ' ') around[i] |= kGoesOn;
  }
  return around;
}();
bool separates(char c) { return (kAround[static_cast<unsigned char>(c)] & kSeparates) != 0; }

}  // namespace

/// Whether what stands beside a group may make something of it, however short it is.
inline bool DigitGroups::stands_beside(const DigitGroup& group) const {
  uint8_t before = group.begin > 0 ? kAround[static_cast<unsigned char>(text_[group.begin - 1])] : 0;
  uint8_t after = group.end() < text_.size() ? kAround[static_cast<unsigned char>(text_[group.end()])] : 0;
  return ((before & kBegins) | (after & kGoesOn)) != 0;
}

/// @return where the next group begins that may begin a chain, and sets at_ to its end; the text's size for none. What is the
/// inside of a word, of a hash or an id begins none: three letters or digits stand before it.
inline uint32_t DigitGroups::next_start() {
  if (at_ / ByteClasses::kBits > word_) {
    word_ = at_ / ByteClasses::kBits;
    starts_ = classes_.digit_starts(word_);
  }
  starts_ &= ~uint64_t{0} << at_ % ByteClasses::kBits;
  while (true) {
    while (starts_ == 0) {
      if (++word_ >= classes_.words()) return static_cast<uint32_t>(text_.size());
      starts_ = classes_.digit_starts(word_);
    }
    uint32_t begin = word_ * ByteClasses::kBits + static_cast<uint32_t>(std::countr_zero(starts_));
    starts_ &= starts_ - 1;
    at_ = classes_.end(&ByteClasses::Word::digits, begin);
    // Most groups are counters, times and parts of ids: short ones that stand beside nothing, and with no other.
    bool alone = at_ >= text_.size() || !separates(text_[at_]);
    if (!alone || at_ - begin >= kShortest || stands_beside({begin, at_ - begin})) return begin;
  }
}

/// @return whether another group follows within reach.
inline bool DigitGroups::follows(uint32_t end, uint32_t& ret_next) const {
  uint32_t at = end;
  while (at < text_.size() && at - end < kWidestGap && separates(text_[at])) ++at;
  if (at >= text_.size() || !is_digit(text_[at])) return false;
  ret_next = at;
  return true;
}

bool DigitGroups::may_hold_number() const {
  if (digits_ >= (groups_.size() == 1 ? kShortest : kShortestInGroups)) return true;
  return std::any_of(groups_.begin(), groups_.end(), [this](const DigitGroup& group) { return stands_beside(group); });
}

bool DigitGroups::next() {
  groups_.clear();
  digits_ = 0;
  uint32_t begin = next_start();
  if (begin >= text_.size()) return false;
  while (true) {
    groups_.push_back({begin, at_ - begin});
    digits_ += at_ - begin;
    if (!follows(at_, begin)) return true;
    at_ = classes_.end(&ByteClasses::Word::digits, begin);
  }
}

}  // namespace mas::dlp
