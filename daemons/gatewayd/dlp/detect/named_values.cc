// What values of a kind look like.
#include "daemons/gatewayd/dlp/detect/named_values.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/context.h"
#include "daemons/gatewayd/dlp/detect/looks.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"

namespace mas::dlp {
namespace {

/// What a value is made of.
struct Makeup {
  size_t digits = 0, upper = 0, lower = 0, spaces = 0, other = 0;
  explicit Makeup(std::string_view text) {
    for (char c : text) {
      if (is_digit(c))
        ++digits;
      else if (is_upper(c))
        ++upper;
      else if (is_lower(c) || (c & 0x80) != 0)  // letters beyond ASCII
        ++lower;
      else if (is_space(c))
        ++spaces;
      else
        ++other;
    }
  }
  size_t letters() const { return upper + lower; }
};

/// @return bytes at the start that are capital letters, digits, or single dashes between them.
size_t code_at(std::string_view value, size_t most) {
  size_t end = 0;
  while (end < value.size() && end <= most) {
    char c = value[end];
    bool joins = (c == '-' || c == '/') && end > 0 && end + 1 < value.size() &&
                 (is_upper(value[end + 1]) || is_digit(value[end + 1]));
    if (!is_upper(c) && !is_digit(c) && !joins) break;
    ++end;
  }
  if (end > most || (end < value.size() && (is_alnum(value[end]) || value[end] == '_'))) return 0;
  return end;
}

bool all_zero(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return !is_digit(c) || c == '0'; });
}

/// A sentence or the label of a form, and no passphrase.
bool words_of_a_form(std::string_view value) {
  for (std::string_view word : {"enter", "your", "please", "must", "forgot", "reset", "password", "invalid",
                                "incorrect", "required", "confirm", "choose", "the ", "should", "cannot", "change"})
    if (contains_word(value, word)) return true;
  for (size_t i = 0; i < value.size();) {
    size_t end = std::min(value.find(' ', i), value.size());
    std::string_view word = value.substr(i, end - i);
    if (equals_any(word, {"the", "is",  "be",  "to",  "in",   "for",  "of",  "a",   "an",   "see", "at",
                          "not", "and", "or",  "was", "with", "from", "has", "are", "this", "via", "by",
                          "on",  "no",  "der", "die", "das",  "el",   "la",  "le",  "un",   "de",  "du"}))
      return true;
    if ((read_key(word) & bit(Context::kPassword)) != 0) return true;
    i = end + 1;
  }
  return false;
}

}  // namespace

/// "Passwort": the word itself, as on a label.
bool is_label(std::string_view value) {
  return (is_upper(value[0]) || (value[0] & 0x80) != 0) && (read_key(value) & bit(Context::kPassword)) != 0;
}

bool is_password(std::string_view value, Named how, bool number) {
  constexpr size_t kShortest = 4, kLongest = 256;
  if (value.size() < kShortest || value.size() > kLongest || is_stand_in(value, As::kPassword)) return false;
  Makeup makeup(value);
  if (number) return how == Named::kByKey && makeup.digits >= kShortest && makeup.other == 0;
  if (makeup.spaces > 0) {  // a passphrase; or a sentence about passwords
    if (how != Named::kByKey && how != Named::kBySign) return false;
    bool native = std::any_of(value.begin(), value.end(), [](char c) { return (c & 0x80) != 0; });
    return makeup.spaces <= 8 && !native && !words_of_a_form(value) &&
           value.find_first_of(".?!") == std::string_view::npos;
  }
  bool by_text = how != Named::kByKey && how != Named::kInObject;
  if (by_text && is_code(value)) return false;
  bool native = std::any_of(value.begin(), value.end(), [](char c) { return (c & 0x80) != 0; });
  if (native && makeup.digits == 0 && makeup.other == 0) return false;  // a word
  bool mixed = makeup.digits > 0 || makeup.other > 0 || (makeup.upper > 0 && makeup.lower > 0 && !is_upper(value[0]));
  switch (how) {
    case Named::kByKey:
    case Named::kInObject:
      return makeup.digits > 0 || !is_label(value);
    case Named::kBySign:
      return makeup.digits > 0 || (!words_of_a_form(value) && !is_label(value));
    case Named::kByVerb:
    case Named::kByWord:
      if (value.find("://") != std::string_view::npos || makeup.letters() == 0)
        return how == Named::kByVerb && makeup.digits >= 6 && makeup.other == 0;
      if (how == Named::kByWord) return makeup.digits > 0 && makeup.letters() > 1 && value.size() >= 6;
      return (makeup.digits > 0 || mixed) &&
             (makeup.other == 0 || makeup.digits > 0 || value.find('-') == std::string_view::npos) && value.size() >= 5;
  }
  return false;
}

bool is_api_key(std::string_view value, Named how) {
  constexpr size_t kShortest = 12, kLongest = 512;
  constexpr double kEntropy = 3.0;
  if (value.size() < kShortest || value.size() > kLongest || is_stand_in(value, As::kKey)) return false;
  Makeup makeup(value);
  if (makeup.spaces > 0) return false;
  bool of_key = std::all_of(value.begin(), value.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '/' || c == '+' || c == '=' || c == ':' || c == '~';
  });
  if (!of_key || makeup.letters() == 0) return false;
  size_t sign = value.find('=');  // of base64 it is the end: "expires_in=3600" is a pair
  if (sign != std::string_view::npos && value.find_first_not_of('=', sign) != std::string_view::npos) return false;
  if (makeup.digits == 0 && (how != Named::kByKey || value.size() < 20 || makeup.upper == 0 || makeup.lower == 0))
    return false;
  if (how == Named::kByWord && (makeup.digits < 2 || value.size() < 16)) return false;
  return entropy(value) >= kEntropy;
}

bool is_discord_token(std::string_view value) {
  size_t first = value.find('.'), second = value.find('.', first + 1);
  if (second == std::string_view::npos || first < 23 || first > 28 || second - first != 7) return false;
  size_t rest = value.size() - second - 1;
  if (rest < 27 || rest > 45 || (value[0] != 'M' && value[0] != 'N' && value[0] != 'O')) return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_generic_secret(std::string_view value) {
  constexpr size_t kShortest = 12, kLongest = 512;
  constexpr double kEntropy = 3.5;
  if (value.size() < kShortest || value.size() > kLongest || is_stand_in(value, As::kKey)) return false;
  Makeup makeup(value);
  if (makeup.spaces > 0 || makeup.digits == 0 || makeup.letters() == 0 || is_uuid(value)) return false;
  if (value.find("://") != std::string_view::npos || value.find('@') != std::string_view::npos) return false;
  return entropy(value) >= kEntropy;
}

bool is_aws_secret(std::string_view value) {
  constexpr size_t kSize = 40;
  if (value.size() != kSize || value.find("EXAMPLE") != std::string_view::npos) return false;
  bool base64 = std::all_of(value.begin(), value.end(), [](char c) { return is_alnum(c) || c == '/' || c == '+'; });
  return base64 && entropy(value) >= 4.0;
}

size_t record_number(std::string_view value) {
  constexpr size_t kLongest = 16;
  if (value.starts_with("MRN") || value.starts_with("mrn")) {
    size_t skip = 3;
    while (skip < value.size() &&
           (value[skip] == '-' || value[skip] == ':' || value[skip] == '#' || value[skip] == ' '))
      ++skip;
    size_t rest = record_number(value.substr(skip));
    return rest == 0 ? 0 : skip + rest;
  }
  size_t end = code_at(value, kLongest);
  std::string_view code = value.substr(0, end);
  size_t digits = count_digits(code);
  if (digits < 5 || digits > 12 || all_zero(code) || code.size() - digits > 5) return 0;
  if (date_at(code) == code.size() && code.find('-') != std::string_view::npos) return 0;
  return end;
}

size_t insurance_number(std::string_view value) {
  constexpr size_t kLongest = 22;
  size_t end = code_at(value, kLongest);
  std::string_view code = value.substr(0, end);
  size_t digits = count_digits(code);
  if (digits < 5 || code.size() < 6 || all_zero(code)) return 0;
  if (date_at(code) == code.size() && code.size() != 8) return 0;
  return end;
}

size_t passport_number(std::string_view value) {
  size_t end = code_at(value, 9);
  std::string_view code = value.substr(0, end);
  size_t digits = count_digits(code);
  if (code.size() < 7 || digits < 6 || code.size() - digits > 3 || all_zero(code) ||
      code.find_first_of("-/") != std::string_view::npos)
    return 0;
  return end;
}

size_t license_number(std::string_view value) {
  size_t end = code_at(value, 20);
  std::string_view code = value.substr(0, end);
  size_t digits = count_digits(code);
  if (code.size() < 5 || digits < 4 || all_zero(code)) return 0;
  if (date_at(code) == code.size() && code.find_first_of("-/") != std::string_view::npos) return 0;
  return end;
}

size_t account_number(std::string_view value) {
  size_t end = 0, digits = 0;
  while (end < value.size() && (is_digit(value[end]) || ((value[end] == ' ' || value[end] == '-') && end > 0 &&
                                                         end + 1 < value.size() && is_digit(value[end + 1]))))
    digits += is_digit(value[end++]) ? 1 : 0;
  if (digits < 6 || digits > 17 || all_zero(value.substr(0, end))) return 0;
  if (end < value.size() && (is_alnum(value[end]) || value[end] == '_' || value[end] == '/')) return 0;
  // Milliseconds since 1970, of this century: 2014 to 2033.
  bool time = digits == 13 && end == 13 && value[0] == '1' && value[1] >= '4';
  return time || date_at(value) == end ? 0 : end;
}

size_t verification_code(std::string_view value) {
  size_t end = 0;
  while (end < value.size() && is_digit(value[end])) ++end;
  if (end != 3 && end != 4) return 0;
  if (end < value.size() && (is_alnum(value[end]) || value[end] == '_')) return 0;
  if (end + 1 < value.size() && (value[end] == '.' || value[end] == '-' || value[end] == '/') &&
      is_alnum(value[end + 1]))
    return 0;
  return end;
}

}  // namespace mas::dlp
