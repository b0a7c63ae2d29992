// Where values end, and what is none.
#include "daemons/gatewayd/dlp/detect/values.h"

#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/word_table.h"

namespace mas::dlp {
namespace {

constexpr int kMaxExtraWords = 3;
constexpr uint32_t kFarthestValue = 40;  // bytes between a word and its value
constexpr size_t kLongestValue = 512;

/// What a word between a name and its value says.
enum Between : uint32_t {
  kFiller = 1,
  kVerb = 2,
  kPreposition = 4,  ///< tells more of the word before it: "password for the west gate is …"
  kPlace =
      8,  ///< where it holds: "password on build-07 is …". Only names of machines follow: "born on March 5" is a date
  kChange = 16,  ///< "was changed" stands before "to"
  kTo = 32,
};

const WordTable& between() {
  static const WordTable kTable({
      {kFiller,
       "number|numbers|no|num|nr|id|code|of|the|for|on|file|value|my|your|key|token|here|s|as|account|member|"
       "beneficiary|"
       "card|patient|new|identifier|login|it|back|current|temporary|user|string|set|to|be|patients|now|still|changed|"
       "reset|been|has|updated|again|currently|rotated|jetzt|nun|neu|ahora|maintenant|agora|adesso|nu|teraz"},
      {kVerb,
       "is|was|are|equals|ist|lautet|lauten|sind|es|est|son|sont|sera|foi|sao|era|wynosi|jest|will|reads|be|becomes|"
       "remains|zijn|sono"},
      {kPreposition,
       "for|of|von|vom|des|der|für|zu|pour|de|du|del|do|dos|da|das|para|di|della|dello|per|van|voor|dla|od"},
      {kPlace, "on|at|in|auf|bei|en|sur|em|su"},
      {kChange, "changed|set|reset|updated|rotated"},
      {kTo, "to"},
  });
  return kTable;
}

bool ends_value(char c) {
  return is_space(c) || c == '\0' || c == '"' || c == '\'' || c == '`' || c == ',' || c == ';' || c == '<' ||
         c == '>' || c == '&' || c == '|' || c == ')' || c == ']' || c == '}';
}

}  // namespace

bool equals_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return to_lower(a) == b; });
}

bool equals_any(std::string_view text, std::span<const std::string_view> lower) {
  return std::any_of(lower.begin(), lower.end(), [&](std::string_view one) { return equals_word(text, one); });
}

bool equals_any(std::string_view text, std::initializer_list<std::string_view> lower) {
  return equals_any(text, std::span(lower.begin(), lower.size()));
}

bool contains_word(std::string_view text, std::string_view lower) {
  auto found = std::search(text.begin(), text.end(), lower.begin(), lower.end(),
                           [](char a, char b) { return to_lower(a) == b; });
  return found != text.end();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

size_t count_digits(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), is_digit));
}

namespace {

/// Whether the word that ends at `end`, and ">" behind it, are an opening tag: <password>.
bool is_tag(std::string_view text, uint32_t end) {
  constexpr uint32_t kLongestTag = 48;
  uint32_t at = end;
  while (at > 0 && end - at < kLongestTag && (is_alnum(text[at - 1]) || text[at - 1] == '_' || text[at - 1] == '-'))
    --at;
  return at > 0 && text[at - 1] == '<';
}

}  // namespace

namespace {

/// What other languages write between a word and its value.
struct NativeLink {
  size_t size = 0;  ///< bytes; 0: nothing of the kind
  Link link = Link::kNext;
  bool names = false;  ///< what it is for follows
};

/// @param directly behind the word, where an inflected ending may stand.
NativeLink native_link(std::string_view text, bool directly) {
  struct Sign {
    std::string_view text;
    Link link;
  };
  constexpr std::array<Sign, 20> kSigns = {
      {{"：", Link::kSign},   {"＝", Link::kSign}, {"é", Link::kVerb},  {"è", Link::kVerb},    {"são", Link::kVerb},
       {"será", Link::kVerb}, {"—", Link::kVerb},  {"–", Link::kVerb},  {"→", Link::kVerb},    {"是", Link::kVerb},
       {"为", Link::kVerb},   {"為", Link::kVerb}, {"は", Link::kVerb}, {"は、", Link::kVerb}, {"이", Link::kVerb},
       {"는", Link::kVerb},   {"«", Link::kVerb},  {"「", Link::kVerb}, {"“", Link::kVerb},    {"„", Link::kVerb}}};
  NativeLink found;
  for (const Sign& sign : kSigns)
    if (text.starts_with(sign.text) && sign.text.size() > found.size) found = {sign.text.size(), sign.link, false};
  for (std::string_view preposition : {"для ", "от "})
    if (text.starts_with(preposition)) return {preposition.size(), Link::kNext, true};
  if (found.size != 0 || !directly) return found;
  size_t end = 0;  // "паролем", "пароля": Cyrillic endings
  while (end + 1 < text.size() && end < 6 && (text[end] == '\xd0' || text[end] == '\xd1')) end += 2;
  return {end, Link::kNext, false};
}

}  // namespace

bool is_native_stop(char c) {
  auto byte = static_cast<unsigned char>(c);
  return (byte >= 0xe3 && byte <= 0xef) || byte == 0xc2;
}

Value value_after(std::string_view text, uint32_t from, Span& plain) {
  Value value;
  Link link = Link::kNext;
  auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  uint32_t i = from;
  uint32_t stop = from + kFarthestValue;
  char quote = '\0';
  bool changed = false;  // "was changed" stands before "to"
  bool place = false;    // "on" stands before
  int more = -1;         // words that may tell more of it; where one can, a verb or a sign must follow
  while (i < stop) {
    char c = at(i);
    if (c == ':' || c == '=') {
      if (c == ':' && at(i + 1) == '/' && at(i + 2) == '/') return value;
      link = Link::kSign;
      ++i;
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = link == Link::kSign || link == Link::kVerb ? c : '\0';
      ++i;
    } else if (c == ' ' || c == '\t' || c == '*' || c == '(' || c == '[' || c == '#' || c == '.' || c == '_') {
      if (c == '#') link = std::max(link, Link::kVerb);
      ++i;
    } else if (c == '-' || c == '>' || c == '\\' || c == '/') {
      if (c == '>' && i == from && is_tag(text, from)) {
        if (at(i + 1) == '@' || at(i + 1) == '<') return value;
        link = Link::kSign;
      } else if (c == '>' && link == Link::kNext) {
        link = Link::kVerb;
      }
      ++i;
    } else if (c == '|') {  // a table's cells, HL7's fields
      link = std::max(link, Link::kVerb);
      ++i;
    } else if (is_high(c) && quote == '\0') {
      NativeLink native = native_link(text.substr(i, 16), i == from);
      if (native.size == 0) break;
      link = std::max(link, native.link);
      if (native.names) more = kMaxExtraWords;
      i += native.size;
    } else if (is_letter(c) && link < Link::kSign && quote == '\0') {
      uint32_t end = i;
      while (end < stop && (is_letter(at(end)) || (at(end) == '\xc3' && is_high(at(end + 1)))))
        end += is_letter(at(end)) ? 1 : 2;  // "für"
      if (more > 0 || place)                // the name of what it is for: "minor-filter", "web2"
        while (end < stop && (is_alnum(at(end)) || at(end) == '-' || at(end) == '_' || at(end) == '.')) ++end;
      std::string_view word = text.substr(i, end - i);
      if (is_digit(at(end)) || at(end) == '-') break;
      uint32_t says = between().of(word);
      bool machine = place && std::any_of(word.begin(), word.end(), [](char x) { return is_digit(x) || x == '-'; });
      place = link == Link::kNext && (says & kPlace) != 0;
      if ((says & kVerb) != 0 || ((changed || more >= 0) && (says & kTo) != 0))
        link = Link::kVerb;
      else if (machine)
        more = kMaxExtraWords;
      else if (link == Link::kNext && (says & kPreposition) != 0)
        more = kMaxExtraWords;
      else if ((says & kFiller) == 0) {
        if (link != Link::kNext || more <= 0) break;
        --more;
      }
      changed = (says & kChange) != 0;
      i = end;
    } else {
      break;
    }
  }
  if (more >= 0 && link < Link::kVerb) return value;
  if (i >= stop || at(i) == '\0' || is_space(at(i))) return value;
  uint32_t end = i;
  size_t bound = std::min(text.size(), i + kLongestValue);
  if (quote != '\0') {
    while (end < bound && at(end) != quote && at(end) != '\0' && at(end) != '\n') ++end;
  } else {
    bool known = i >= plain.begin && i < plain.end;
    if (known) end = std::min(plain.end, static_cast<uint32_t>(bound));
    while (end < bound && !ends_value(at(end)) && !is_native_stop(at(end))) ++end;
    plain = {known ? plain.begin : i, std::max(end, known ? plain.end : i)};
    while (end > i && (at(end - 1) == '.' || at(end - 1) == '?' || at(end - 1) == ':')) --end;
  }
  if (end == i) return value;
  return {{i, end}, link, quote != '\0'};
}

bool is_uuid(std::string_view value) {
  if (value.size() != 36) return false;
  for (size_t i = 0; i < value.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    char c = to_lower(value[i]);
    if (dash ? c != '-' : !(is_digit(c) || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

/// Reads pieces of a date off a text.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  size_t at() const { return at_; }
  bool skip(std::string_view any) {
    if (peek() == '\0' || any.find(peek()) == std::string_view::npos) return false;
    return ++at_, true;
  }
  /// @return digits read; 0: none.
  size_t number(int& ret_value) {
    size_t from = at_;
    int value = 0;
    while (is_digit(peek()) && at_ - from < 8) value = value * 10 + (text_[at_++] - '0');
    ret_value = value;
    return at_ - from;
  }
  /// @return 1 to 12; 0: no name of a month.
  int month() {
    size_t end = at_;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    std::string_view name = text_.substr(at_, end - at_);
    if (name.size() < 3 || name.size() > 9) return 0;
    for (size_t i = 0; i < kMonths.size(); ++i)
      if (equals_word(name.substr(0, 3), kMonths[i])) return at_ = end, static_cast<int>(i) + 1;
    return 0;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

int full_year(int year, size_t digits) {
  if (digits == 4) return year;
  return digits == 2 ? (year <= 29 ? 2000 + year : 1900 + year) : 0;
}

bool a_day(int a, int b, int year) { return calendar_day(year, a, b) || calendar_day(year, b, a); }

}  // namespace

size_t date_at(std::string_view text) {
  DateReader in(text);
  int a = 0, b = 0, c = 0;
  if (is_letter(in.peek())) {  // March 5, 1980
    int month = in.month();
    if (month == 0) return 0;
    in.skip(".");
    in.skip(" -");
    if (in.number(a) == 0) return 0;
    for (std::string_view ordinal : {"st", "nd", "rd", "th"})
      if (equals_word(text.substr(in.at(), 2), ordinal)) in.skip("snrtSNRT"), in.skip("tdhTDH");
    in.skip(",");
    in.skip(" -");
    size_t digits = in.number(c);
    return calendar_day(full_year(c, digits), month, a) ? in.at() : 0;
  }
  size_t first = in.number(a);
  if (first == 8) return calendar_day(a / 10000, a / 100 % 100, a % 100) ? in.at() : 0;
  if (first == 0 || first > 4 || first == 3) return 0;
  char separator = in.peek();
  if (!in.skip("-/. ")) return 0;
  if (int month = in.month(); month != 0) {  // 5 Mar 1980
    in.skip(".,");
    in.skip("-/ ");
    size_t digits = in.number(c);
    return calendar_day(full_year(c, digits), month, a) ? in.at() : 0;
  }
  size_t second = in.number(b);
  if (second == 0 || second > 2 || in.peek() != separator) return 0;
  in.skip("-/. ");
  size_t third = in.number(c);
  if (first == 4) return third > 0 && third <= 2 && calendar_day(a, b, c) ? in.at() : 0;
  if (third != 4 && third != 2) return 0;
  return a_day(a, b, full_year(c, third)) ? in.at() : 0;
}

}  // namespace mas::dlp
