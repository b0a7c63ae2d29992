// Words of an address.
#include "daemons/gatewayd/dlp/detect/street.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/detect/word_table.h"

namespace mas::dlp {
namespace {

constexpr size_t kMaxWords = 5;
constexpr size_t kLongestWord = 24;

/// What a word of an address is.
enum Part : uint32_t {
  kSuffix = 1,       ///< a kind of street that hardly stands behind a number and a name otherwise
  kWeakSuffix = 2,   ///< one that is an everyday word: a town, a flat or a word must stand by it
  kNoName = 4,       ///< "15 Google Drive links", "2 Event Loop": what those words also end
  kLeadingKind = 8,  ///< French: the kind stands before the name, 12 rue de la Paix
  kLink = 16,
  kDirection = 32,
};

uint32_t part_of(std::string_view word) {
  static const WordTable kParts({
      {kSuffix,
       "street|st|avenue|ave|av|boulevard|blvd|road|rd|lane|ln|drive|dr|court|ct|place|pl|terrace|ter|way|"
       "circle|cir|parkway|pkwy|highway|hwy|square|sq|trail|trl|loop|alley|plaza|plz|crescent|cres|expressway|"
       "expy|turnpike|tpke|mews|gardens|quay|grove|hill|ridge|crossing|xing|broadway|pike|cove|freeway|fwy|"
       "causeway|esplanade|promenade|close|bypass|motorway"},
      {kWeakSuffix,
       "bend|bluff|center|centre|commons|creek|estates|falls|ferry|field|fields|forest|glen|green|harbor|"
       "heights|hts|hollow|island|isle|knoll|lake|landing|manor|meadow|meadows|mill|mills|oaks|orchard|oval|"
       "park|pass|passage|path|pines|point|pointe|pt|ranch|row|run|shore|shores|spring|springs|spur|station|"
       "summit|trace|valley|view|village|vista|walk|wharf|wood|woods"},
      {kNoName,
       "google|event|hard|disk|flash|usb|pen|supreme|main|high|while|for|retry|no|any|either|same|right|wrong|"
       "first|second|crown|control|feedback"},
      {kLeadingKind, "rue|avenue|boulevard|bd|allée|impasse|quai|chemin"},
      {kLink, "de|la|du|des|le|les|l|d|saint"},
      {kDirection, "n|s|e|w|ne|nw|se|sw|north|south|east|west"},
  });
  return kParts.of(word);
}

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

uint32_t skip_spaces(std::string_view text, uint32_t at) {
  uint32_t from = at;
  while (at < text.size() && text[at] == ' ' && at - from < 2) ++at;
  return at;
}

}  // namespace

namespace {

/// "rue de la Paix" behind a number. @return the end of the name; 0: there is none.
uint32_t end_after_kind(std::string_view text, WordAt kind) {
  constexpr size_t kMaxLinks = 3, kMaxNames = 3;
  uint32_t i = kind.end, end = 0;
  size_t names = 0;
  for (size_t n = 0; n < kMaxLinks + kMaxNames && names < kMaxNames; ++n) {
    uint32_t from = skip_spaces(text, i);
    if (from == i && !(i < text.size() && text[i] == '-')) break;
    WordAt word = word_at(text, std::max(from, i + (from == i ? 1 : 0)));
    std::string_view bare = word.text.substr(0, word.text.find('\''));
    if (word.text.empty()) break;
    bool capital = is_upper(word.text[0]) || (word.text[0] & 0x80) != 0 ||
                   (bare.size() < word.text.size() && is_upper(word.text[bare.size() + 1]));
    if (!capital && (names > 0 || (part_of(bare) & kLink) == 0)) break;
    bool name = word.text.size() >= 3 && !is_upper(word.text[1]) && !is_digit(word.text[1]);
    if (capital && !name) break;
    if (capital) {
      ++names;
      end = word.end;
    }
    i = word.end;
  }
  return end;
}

}  // namespace

Street street_at(std::string_view text, uint32_t at) {
  Street found;
  uint32_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end < text.size() && is_letter(text[end]) && end + 1 < text.size() && text[end + 1] == ' ') ++end;  // 221B
  if (end < text.size() && text[end] == ',') ++end;
  if (end >= text.size() || text[end] != ' ') return found;
  bool capitals = true, no_name = false;
  size_t names = 0;
  uint32_t i = skip_spaces(text, end);
  if (WordAt kind = word_at(text, i); (part_of(kind.text) & kLeadingKind) != 0) {
    if (uint32_t name_end = end_after_kind(text, kind); name_end != 0) return {name_end, true, true};
  }
  for (size_t n = 0; n < kMaxWords; ++n) {
    WordAt word = word_at(text, i);
    if (word.text.empty() || word.text.size() > kLongestWord) break;
    bool ordinal = is_digit(word.text[0]) && is_letter(word.text.back());
    if (is_digit(word.text[0]) && !ordinal) break;
    uint32_t part = part_of(word.text);
    bool capital = is_upper(word.text[0]) || ordinal || (word.text[0] & 0x80) != 0;
    bool strong = names > 0 && (part & kSuffix) != 0;
    if (strong || (names > 0 && (part & kWeakSuffix) != 0)) {
      found.suffix = true;
      found.weak = !strong || no_name;
      found.capitals = capitals && is_upper(word.text[0]);
      found.end = word.end;
      uint32_t next = word.end < text.size() && text[word.end] == '.' ? word.end + 1 : word.end;
      WordAt last = word_at(text, skip_spaces(text, next));
      uint32_t last_part = part_of(last.text);
      if ((last_part & kDirection) != 0 && is_upper(last.text[0])) found.end = last.end;
      // "Park Way Drive": the last suffix counts.
      if ((last_part & kSuffix) == 0) return found;
    } else {
      if (found.end != 0) return found;
      capitals = capitals && capital;
      no_name = (part & kNoName) != 0;
      if ((part & kDirection) == 0) ++names;
    }
    uint32_t next = word.end;
    if (next < text.size() && text[next] == '.') ++next;  // "St. James", "N. Main"
    uint32_t after = skip_spaces(text, next);
    if (after == next) {
      if (found.end == 0 && names > 0 && word.text.size() > 2) found = {word.end, false, capitals};
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
