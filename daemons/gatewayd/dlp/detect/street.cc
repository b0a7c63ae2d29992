// Words of an address.
#include "daemons/gatewayd/dlp/detect/street.h"

#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr size_t kMostWords = 5;
constexpr size_t kLongestWord = 24;

constexpr std::string_view kSuffixes[] = {
    "street", "st",    "avenue",  "ave",   "av",       "boulevard", "blvd",       "road",     "rd",    "lane",
    "ln",     "drive", "dr",      "court", "ct",       "place",     "pl",         "terrace",  "ter",   "way",
    "circle", "cir",   "parkway", "pkwy",  "highway",  "hwy",       "square",     "sq",       "trail", "trl",
    "loop",   "alley", "plaza",   "plz",   "crescent", "cres",      "expressway", "turnpike", "mews",  "gardens",
    "quay",   "grove", "hill",    "ridge", "crossing", "xing",      "broadway",   "pike",     "cove"};
constexpr std::string_view kDirections[] = {"n",  "s",  "e",     "w",     "ne",   "nw",
                                            "se", "sw", "north", "south", "east", "west"};

struct WordAt {
  std::string_view text;
  uint32_t end = 0;
};

WordAt word_at(std::string_view text, uint32_t at) {
  uint32_t end = at;
  while (end < text.size() && end - at <= kLongestWord &&
         (is_alnum(text[end]) || text[end] == '\'' || (text[end] & 0x80) != 0))
    ++end;
  while (end > at && text[end - 1] == '\'') --end;  // a quote
  return {text.substr(at, end - at), end};
}

template <size_t N>
bool listed(std::string_view word, const std::string_view (&list)[N]) {
  return std::any_of(std::begin(list), std::end(list), [&](std::string_view one) { return equals_word(word, one); });
}

uint32_t skip_spaces(std::string_view text, uint32_t at) {
  uint32_t from = at;
  while (at < text.size() && text[at] == ' ' && at - from < 2) ++at;
  return at;
}

}  // namespace

Street street_at(std::string_view text, uint32_t at) {
  Street found;
  uint32_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end < text.size() && is_letter(text[end]) && end + 1 < text.size() && text[end + 1] == ' ') ++end;  // 221B
  if (end >= text.size() || text[end] != ' ') return found;
  bool capitals = true;
  size_t names = 0;
  uint32_t i = skip_spaces(text, end);
  for (size_t n = 0; n < kMostWords; ++n) {
    WordAt word = word_at(text, i);
    if (word.text.empty() || word.text.size() > kLongestWord) break;
    bool ordinal = is_digit(word.text[0]) && is_letter(word.text.back());
    if (is_digit(word.text[0]) && !ordinal) break;
    bool direction = listed(word.text, kDirections);
    bool capital = is_upper(word.text[0]) || ordinal || (word.text[0] & 0x80) != 0;
    if (names > 0 && listed(word.text, kSuffixes)) {
      found.suffix = true;
      found.capitals = capitals && is_upper(word.text[0]);
      found.end = word.end;
      uint32_t next = word.end < text.size() && text[word.end] == '.' ? word.end + 1 : word.end;
      WordAt last = word_at(text, skip_spaces(text, next));
      if (listed(last.text, kDirections) && is_upper(last.text[0])) found.end = last.end;
      // "Park Way Drive": the last suffix counts.
      if (!listed(last.text, kSuffixes)) return found;
    } else {
      if (found.end != 0) return found;
      capitals = capitals && capital;
      if (!direction) ++names;
    }
    uint32_t next = word.end;
    if (next < text.size() && text[next] == '.') ++next;  // "St. James", "N. Main"
    uint32_t after = skip_spaces(text, next);
    if (after == next) {
      if (found.end == 0 && capitals && names > 0) found = {word.end, false, true};
      return found;
    }
    i = after;
  }
  return found;
}

uint32_t po_box_at(std::string_view text, uint32_t begin, uint32_t at, uint32_t& ret_begin) {
  constexpr std::string_view kInWords = "post office ";
  bool in_words =
      begin >= kInWords.size() && equals_word(text.substr(begin - kInWords.size(), kInWords.size()), kInWords);
  uint32_t i = in_words ? begin - static_cast<uint32_t>(kInWords.size()) : begin, letters = 0;
  char seen[2] = {};
  while (!in_words && i > 0 && begin - i < 8 && letters < 2) {
    char c = text[i - 1];
    if (is_letter(c)) {
      seen[letters++] = to_lower(c);
    } else if (c != '.' && c != ' ') {
      return 0;
    }
    --i;
  }
  bool initials = letters == 2 && seen[0] == 'o' && seen[1] == 'p';
  if ((!initials && !in_words) || (i > 0 && is_alnum(text[i - 1]))) return 0;
  uint32_t end = at;
  while (end < text.size() && (text[end] == ' ' || text[end] == '#') && end - at < 3) ++end;
  uint32_t digits = end;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end == digits || end - digits > 8) return 0;
  ret_begin = i;
  return end;
}

}  // namespace mas::dlp
