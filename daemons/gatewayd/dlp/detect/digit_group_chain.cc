// Questions about a chain of digit groups.
#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kWidestColumnGap = 16;  // bytes between two cells of a row

/// A date, a telephone number or an identifier is no column of numbers.
bool is_of_number(char c) { return is_digit(c) || c == '.' || c == ','; }
bool is_of_word(char c) { return is_alnum(c) || c == '-' || c == '/' || c == ':' || c == '_'; }

bool is_between_cells(char c) { return c == ' ' || c == '\t' || c == '|' || c == ',' || c == ';'; }

}  // namespace

bool DigitGroupChain::uniform(size_t n) const {
  std::string_view first = gap(0);
  if (first.size() == 1) {
    if (first[0] == '(' || first[0] == ')') return false;
    for (size_t i = 1; i + 1 < n; ++i)
      if (!gap_is(i, first[0])) return false;
    return true;
  }
  if (first != " - " && first != "--" && first != "  ") return false;
  for (size_t i = 1; i + 1 < n; ++i)
    if (gap(i) != first) return false;
  return true;
}

Digits DigitGroupChain::digits(size_t n) const {
  Digits all;
  for (size_t i = 0; i < n; ++i) {
    size_t size = std::min<size_t>(group(i).size, all.bytes.size() - all.size);
    std::copy_n(text_.data() + group(i).begin, size, all.bytes.data() + all.size);
    all.size += size;
  }
  return all;
}

bool DigitGroupChain::stands_alone(size_t n) const {
  constexpr size_t kSteps = 4;  // bytes around
  sight_.spend(kSteps);
  uint32_t end = group(n - 1).end();
  char after = byte(end);
  if (is_alnum(after) || after == '_') return false;
  if ((after == '-' || after == '.' || after == '/') && is_alnum(byte(end + 1))) return false;
  char before = this->before();
  bool joined = (before == '-' || before == '.' || before == '+') && group(0).begin >= 2;
  return !joined || !is_alnum(text_[group(0).begin - 2]);
}

bool DigitGroupChain::same_form(uint32_t other, Span own) const {
  for (uint32_t i = 0; i < own.size(); ++i) {
    char a = sight_.at(own.begin + i), b = sight_.at(other + i);
    if (is_digit(a) ? !is_digit(b) : a != b) return false;
  }
  return true;
}

uint32_t DigitGroupChain::row_above(size_t n) const {
  auto none = static_cast<uint32_t>(sight_.text().size());
  Span own = span(n);
  uint32_t at = own.begin;
  while (at > 0 && own.begin - at < kWidestColumnGap && is_between_cells(sight_.at(at - 1))) --at;
  while (at > 0 && (sight_.at(at - 1) == '\n' || sight_.at(at - 1) == '\r') && own.begin - at < kWidestColumnGap) --at;
  bool broken = at < own.begin && (sight_.at(at) == '\n' || sight_.at(at) == '\r');
  if (!broken || at < own.size()) return none;
  return same_form(at - own.size(), own) ? at - own.size() : none;
}

uint32_t DigitGroupChain::row_below(size_t n) const {
  auto none = static_cast<uint32_t>(sight_.text().size());
  Span own = span(n);
  uint32_t at = own.end;
  bool broken = false;
  for (; at - own.end < kWidestColumnGap; ++at) {
    char c = sight_.at(at);
    if (c == '\n' || c == '\r')
      broken = true;
    else if (!is_between_cells(c))
      break;
  }
  return broken && same_form(at, own) ? at : none;
}

bool DigitGroupChain::among_columns(size_t n) const {
  Span own = span(n);
  uint32_t at = own.begin;
  char joint = sight_.before(at);  // 0/5/402/535 200 1709
  if ((joint == '/' || joint == ':') && at >= 2 && is_digit(sight_.at(at - 2))) return true;
  while (at > 0 && own.begin - at < kWidestColumnGap && sight_.at(at - 1) == ' ') --at;
  if (at < own.begin && is_digit(sight_.before(at))) {
    uint32_t begin = at;
    while (begin > 0 && at - begin < kWidestColumnGap && is_of_number(sight_.at(begin - 1))) --begin;
    if (begin == 0 || !is_of_word(sight_.at(begin - 1))) return true;
  }
  at = own.end;
  while (at - own.end < kWidestColumnGap && sight_.at(at) == ' ') ++at;
  if (at > own.end && is_digit(sight_.at(at))) {
    uint32_t end = at;
    while (end - at < kWidestColumnGap && is_of_number(sight_.at(end))) ++end;
    if (!is_of_word(sight_.at(end))) return true;
  }
  auto none = static_cast<uint32_t>(sight_.text().size());
  return row_above(n) != none || row_below(n) != none;
}

namespace {

/// The key of JSON, YAML or code that stands before a value in a text: `"call_count": 2763977547`, `id=2763977547`.
std::string_view key_before(std::string_view text, uint32_t begin) {
  constexpr uint32_t kMaxBetween = 6, kLongestKey = 48;
  uint32_t i = begin;
  bool sign = false;
  while (i > 0 && begin - i < kMaxBetween) {
    char c = text[i - 1];
    if (c == ':' || c == '=')
      sign = true;
    else if (c != ' ' && c != '"' && c != '\'' && c != '\\')
      break;
    --i;
  }
  uint32_t end = i;
  while (i > 0 && end - i < kLongestKey && (is_alnum(text[i - 1]) || text[i - 1] == '_' || text[i - 1] == '-')) --i;
  return sign ? text.substr(i, end - i) : std::string_view();
}

/// Whether words that name a kind of data end with this key, and say more than it does: "tax id: …".
bool ends_phrase(const Sight& sight, Span key) {
  const auto& words = sight.words();  // by growing ends
  auto word = std::lower_bound(words.begin(), words.end(), key.end,
                               [](const Word& one, uint32_t end) { return one.span.end < end; });
  for (; word != words.end() && word->span.end == key.end; ++word)
    if (word->span.begin < key.begin && (bit(word->context) & kAgainst) == 0) return true;
  return false;
}

}  // namespace

bool is_key_against(Sight& sight, Span span) {
  const Node& node = sight.node_of(span.begin);
  if ((node.own & bit(Context::kNegative)) != 0 && node.text.size() <= span.size() + 2) return true;
  std::string_view key = key_before(sight.text(), span.begin);
  if (key.empty() || (read_key(key) & bit(Context::kNegative)) == 0) return false;
  auto begin = static_cast<uint32_t>(key.data() - sight.text().data());
  return !ends_phrase(sight, {begin, begin + static_cast<uint32_t>(key.size())});
}

}  // namespace mas::dlp
