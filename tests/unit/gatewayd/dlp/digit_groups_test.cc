// Chains of digit groups: the same as looking at each byte, wherever they stand among the words of bits.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "tests/unit/catch.h"

using namespace mas::dlp;

namespace {

using Groups = std::vector<std::pair<uint32_t, uint32_t>>;  // begin and size

bool separates(char c) { return std::string_view("- ./()_").find(c) != std::string_view::npos; }
bool is_inside_word(const std::string& text, size_t at) {
  return at >= 3 && is_alnum(text[at - 1]) && is_alnum(text[at - 2]) && is_alnum(text[at - 3]);
}

/// Whether a number of eight digits, or of seven in groups, may be in the chain, or something may begin with it beside
/// a letter, a space or a sign. A plus makes nothing of fewer than seven digits.
bool may_hold(const std::string& text, const Groups& groups) {
  auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  size_t digits = 0;
  bool beside = false;
  for (auto [begin, size] : groups) {
    digits += size;
    char before = begin > 0 ? text[begin - 1] : '\0', after = at(begin + size);
    beside = beside || is_letter(before) || before == ' ' || is_letter(after) ||
             (after != '\0' && std::string_view("-:, ").find(after) != std::string_view::npos);
  }
  bool plus = groups[0].first > 0 && text[groups[0].first - 1] == '+';
  return beside || digits >= 8 || (digits == 7 && (groups.size() > 1 || plus));
}

std::vector<Groups> read_byte_by_byte(const std::string& text) {
  std::vector<Groups> chains;
  for (uint32_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    bool inside = is_inside_word(text, at);
    Groups groups;
    while (true) {
      uint32_t begin = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      groups.emplace_back(begin, at - begin);
      uint32_t next = at;
      while (next < text.size() && next - at < DigitGroups::kWidestGap && separates(text[next])) ++next;
      if (inside || next >= text.size() || !is_digit(text[next])) break;
      at = next;
    }
    if (!inside && may_hold(text, groups)) chains.push_back(groups);
  }
  return chains;
}

std::vector<Groups> read_by_classes(const std::string& text) {
  ByteClasses classes;
  classes.read(text);
  std::vector<DigitGroup> groups;
  DigitGroups reader(text, classes, groups);
  std::vector<Groups> chains;
  while (reader.next()) {
    if (!reader.may_hold_number()) continue;
    Groups chain;
    uint32_t digits = 0;
    for (const DigitGroup& group : reader.groups()) {
      chain.emplace_back(group.begin, group.size);
      digits += group.size;
    }
    CHECK(reader.digits() == digits);
    if (may_hold(text, chain)) chains.push_back(chain);
  }
  return chains;
}

}  // namespace

TEST_CASE("chains of groups are read by bits as they are byte by byte") {
  std::mt19937 random(20261129);
  for (std::string_view alphabet :
       {"0123456789 ", "0123 -.,:a", "01-./()_ +ab\n", "0aB ,", "7", "7 ", "0123456789abcdef", "1~"})
    for (int i = 0; i < 400; ++i) {
      std::string text(random() % 260, '.');
      for (char& c : text) c = alphabet[random() % alphabet.size()];
      INFO(text);
      CHECK(read_by_classes(text) == read_byte_by_byte(text));
    }
}

TEST_CASE("short groups that stand beside nothing are no chains, and long ones are wherever words of bits end") {
  for (uint32_t padding = 0; padding < 130; ++padding) {
    std::string before(padding, '~');
    INFO(padding);
    CHECK(read_by_classes(before + "123456~1.2.3~\"17\"~abcd12345678~").empty());
    for (const char* number :
         {"12345678", "+1234567", "(415) 555-2671", "1.2.3.4.5.6.7", "a1", "1a", "12:", "12,", "-12-"})
      CHECK(read_by_classes(before + number + "~") == read_byte_by_byte(before + number + "~"));
    CHECK(read_by_classes(before + "(415) 555-2671").size() == 1);
  }
}
