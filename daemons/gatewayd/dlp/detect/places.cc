// What stands around a street: the town behind it, and streets whose number stands last.
#include <algorithm>

#include "daemons/gatewayd/dlp/detect/street.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/detect/word_table.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kFarthestPlace = 60;  // bytes behind a street
constexpr uint32_t kLongestWord = 28;    // bytes of one word before a number
constexpr size_t kMaxWordsBefore = 5;

/// USPS Publication 28, appendix B: states, territories and the armed forces.
constexpr std::string_view kStates =
    "|AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|"
    "OR|PA|"
    "RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|PR|GU|VI|AS|MP|AA|AE|AP|";
/// Ends of German and Dutch names of streets; the second list ends other words, too.
constexpr std::string_view kStrongEndings[] = {"straße", "strasse", "str", "gasse", "straat", "gracht", "laan"};
constexpr std::string_view kWeakEndings[] = {"allee", "platz", "weg", "ufer", "damm", "plein", "kade", "singel"};

/// What a word around a street is.
enum Part : uint32_t {
  kUnit = 1,          ///< USPS Publication 28, appendix C2: secondary units
  kStrongEnding = 2,  ///< the same as kStrongEndings, as a word of its own
  kStrongKind = 4,    ///< what Italian, Spanish, Portuguese, French and Polish names of streets begin with
  kWeakKind = 8,      ///< the same, and other words
  kLink = 16,
};

uint32_t part_of(std::string_view word) {
  static const WordTable kParts({
      {kUnit, "apartment|apt|suite|ste|unit|#|bldg|lot|flat|rm"},
      {kStrongEnding, "straße|strasse|str|gasse|straat|gracht|laan"},
      {kStrongKind, "calle|avenida|avda|rua|praça|piazza|viale|paseo|ul|ulica|travessa|rue"},
      {kWeakKind, "via|corso|plaza|av|al|aleja|largo|vicolo"},
      {kLink, "de|la|del|da|do|dos|das|di|della|delle|dei|los|las|y|e"},
  });
  return kParts.of(word);
}

bool ends_with_any(std::string_view word, std::span<const std::string_view> list) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view one) {
    return word.size() >= one.size() + 3 && equals_word(word.substr(word.size() - one.size()), one);
  });
}

class Behind {
 public:
  Behind(std::string_view text, uint32_t at) : text_(text), at_(at), stop_(at + kFarthestPlace) {}
  char peek(uint32_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  uint32_t at() const { return at_; }
  bool done() const { return at_ >= stop_ || at_ >= text_.size() || text_[at_] == '\0'; }
  void skip(uint32_t n = 1) { at_ += n; }
  uint32_t digits(uint32_t ahead = 0) const {
    uint32_t n = 0;
    while (n < 8 && is_digit(peek(ahead + n))) ++n;
    return n;
  }
  std::string_view letters() const {
    uint32_t n = 0;
    while (n < kLongestWord && is_letter(peek(n))) ++n;
    return n == 0 ? std::string_view() : text_.substr(at_, n);
  }

 private:
  std::string_view text_;
  uint32_t at_, stop_;
};

bool is_separator(char c) { return c == ' ' || c == ',' || c == '.' || c == '\n' || c == '\r'; }

/// "apt 4", "# 12", "Suite B".
bool unit_at(Behind in) {
  std::string_view word = in.peek() == '#' ? "#" : in.letters();
  if ((part_of(word) & kUnit) == 0) return false;
  in.skip(static_cast<uint32_t>(word.size()));
  for (int n = 0; n < 3 && (in.peek() == ' ' || in.peek() == '.' || in.peek() == '#'); ++n) in.skip();
  if (is_upper(in.peek()) && !is_letter(in.peek(1))) return true;
  return in.digits() > 0 && in.digits() < 6;
}

/// "OH 43215", of lower case only behind a comma.
bool state_at(Behind in, bool after_comma) {
  char first = in.peek(), second = in.peek(1);
  if (!is_letter(first) || !is_letter(second) || is_letter(in.peek(2)) || (!after_comma && !is_upper(first)))
    return false;
  char code[2] = {to_upper(first), to_upper(second)};
  size_t found = kStates.find(std::string_view(code, 2));
  if (found == std::string_view::npos || kStates[found - 1] != '|' || kStates[found + 2] != '|') return false;
  in.skip(2);
  uint32_t spaces = 0;
  while (spaces < 3 && (in.peek() == ' ' || in.peek() == ',')) in.skip(), ++spaces;
  return spaces > 0 && in.digits() == 5 && !is_letter(in.peek(5));
}

/// ", 10115 Berlin": four or five digits and a town. @param after_break behind a comma or in a new line.
bool town_at(Behind in, bool after_break) {
  uint32_t size = in.digits();
  if (!after_break || (size != 4 && size != 5) || in.peek(size) != ' ') return false;
  in.skip(size + 1);
  return is_upper(in.peek()) && (is_lower(in.peek(1)) || is_high(in.peek(1)));
}

/// BS 7666: SW1A 2AA, M1 1AE.
bool british_postcode_at(Behind in) {
  uint32_t area = 0;
  while (area < 3 && is_upper(in.peek(area))) ++area;
  if (area == 0 || area > 2 || !is_digit(in.peek(area))) return false;
  in.skip(area + 1);
  if (is_digit(in.peek()) || is_upper(in.peek())) in.skip();
  if (in.peek() != ' ' || !is_digit(in.peek(1))) return false;
  return is_upper(in.peek(2)) && is_upper(in.peek(3)) && !is_alnum(in.peek(4));
}

}  // namespace

bool place_follows(std::string_view text, uint32_t end) {
  Behind in(text, end);
  while (!in.done() && in.at() < end + 4 && is_separator(in.peek())) in.skip();
  if (unit_at(in)) return true;
  bool comma = in.at() > end && text[end] == ',', line_break = false, word_begins = in.at() > end;
  for (uint32_t i = end; i < in.at(); ++i) line_break = line_break || text[i] == '\n';
  while (!in.done()) {
    if (word_begins && (state_at(in, comma) || town_at(in, comma || line_break) || british_postcode_at(in)))
      return true;
    char c = in.peek();
    if (c == ';' || c == '|' || c == '"' || c == '{' || c == '=') return false;
    word_begins = is_separator(c);
    if (!word_begins || c == ',') comma = c == ',';
    if (!word_begins || c == '\n') line_break = c == '\n';
    in.skip();
  }
  return false;
}

namespace {

/// The word that ends at `end`, with its hyphens: Karl-Marx-Straße.
std::string_view word_before(std::string_view text, uint32_t end) {
  uint32_t begin = end;
  while (begin > 0 && end - begin < kLongestWord &&
         (is_letter(text[begin - 1]) || is_high(text[begin - 1]) || text[begin - 1] == '-' || text[begin - 1] == '\''))
    --begin;
  return text.substr(begin, end - begin);
}

bool is_capital(std::string_view word) { return !word.empty() && (is_upper(word[0]) || is_high(word[0])); }

/// @return the position behind the word that stands before `at`, without its dot, comma and spaces; 0: there is none.
uint32_t skip_back(std::string_view text, uint32_t at) {
  uint32_t i = at;
  while (i > 0 && at - i < 2 && text[i - 1] == ' ') --i;
  if (i == at) return 0;
  if (i > 0 && (text[i - 1] == '.' || text[i - 1] == ',')) --i;
  return i;
}

}  // namespace

uint32_t street_before(std::string_view text, uint32_t number, bool& ret_strong) {
  uint32_t end = skip_back(text, number);
  std::string_view word = end > 0 ? word_before(text, end) : std::string_view();
  if (!is_capital(word)) return number;
  auto begin_of = [&](std::string_view one) { return static_cast<uint32_t>(one.data() - text.data()); };
  bool strong = ends_with_any(word, kStrongEndings);
  if (strong || ends_with_any(word, kWeakEndings)) {
    ret_strong = strong;
    return begin_of(word);
  }
  if (uint32_t part = part_of(word); (part & (kStrongEnding | kStrongKind | kWeakKind)) != 0) {
    std::string_view name = word_before(text, skip_back(text, begin_of(word)));  // Berliner Straße
    if (!is_capital(name) || (part & kStrongEnding) == 0) return number;
    ret_strong = word.size() > 3;
    return begin_of(name);
  }
  for (size_t n = 1; n < kMaxWordsBefore; ++n) {
    uint32_t before = skip_back(text, begin_of(word));
    if (before == 0) return number;
    word = word_before(text, before);
    uint32_t part = part_of(word);
    strong = (part & kStrongKind) != 0;
    if (strong || ((part & kWeakKind) != 0 && (is_upper(word[0]) || text[before] == '.'))) {
      ret_strong = strong;
      return begin_of(word);
    }
    if (word.empty() || (!is_capital(word) && (part & kLink) == 0)) return number;
  }
  return number;
}

}  // namespace mas::dlp
