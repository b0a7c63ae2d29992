// Values by their looks.
#include "daemons/gatewayd/dlp/detect/looks.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/stand_ins.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "daemons/gatewayd/dlp/detect/word_table.h"

namespace mas::dlp {
namespace {

constexpr size_t kLongest = 512;

bool is_vowel(char c) {
  c = to_lower(c);
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/// A run of letters that could be a word: it has a vowel, and no five consonants in a row.
/// @param hump case alone parts it from its neighbour, as in `readFile`: random letters do that often.
bool is_wordlike(std::string_view letters, bool hump) {
  if (letters.size() < (hump ? 4u : 3u)) return false;
  constexpr size_t kLongestAbbreviation = 5;  // HTTP, UUID
  if (letters.size() <= kLongestAbbreviation && std::all_of(letters.begin(), letters.end(), is_upper)) return true;
  size_t consonants = 0;
  bool vowel = false;
  for (char c : letters) {
    consonants = is_vowel(c) ? 0 : consonants + 1;
    vowel = vowel || is_vowel(c);
    if (consonants >= 5) return false;
  }
  return vowel;
}

/// readFile, parseHTMLText: where a word begins by its case.
bool is_hump(std::string_view value, size_t at) {
  if (!is_upper(value[at])) return false;
  return is_lower(value[at - 1]) || (is_upper(value[at - 1]) && at + 1 < value.size() && is_lower(value[at + 1]));
}

/// How a value falls into words, numbers and what stands between them.
struct Pieces {
  size_t letters = 0;   ///< all
  size_t of_words = 0;  ///< letters in runs that could be words
  size_t digits = 0, numbers = 0, longest_number = 0;
  size_t joints = 0;   ///< separators
  bool other = false;  ///< a character that joins no words

  explicit Pieces(std::string_view value) {
    for (size_t i = 0; i < value.size();) {
      size_t end = i;
      if (is_letter(value[i])) {
        while (end < value.size() && is_letter(value[end]) && !(end > i && is_hump(value, end))) ++end;
        letters += end - i;
        bool hump = (i > 0 && is_letter(value[i - 1])) || (end < value.size() && is_letter(value[end]));
        if (is_wordlike(value.substr(i, end - i), hump)) of_words += end - i;
      } else if (is_digit(value[i])) {
        while (end < value.size() && is_digit(value[end])) ++end;
        digits += end - i;
        ++numbers;
        longest_number = std::max(longest_number, end - i);
      } else {
        bool joint = std::string_view("-_./:@+ ,=").find(value[i]) != std::string_view::npos;
        joints += joint ? 1 : 0;
        other = other || !joint;
        ++end;
      }
      i = end;
    }
  }
};

/// Whether everything in it is of an identifier; `dotted` allows members and scopes.
bool is_identifier(std::string_view value, bool dotted) {
  if (value.empty() || (!is_letter(value[0]) && value[0] != '_')) return false;
  return std::all_of(value.begin(), value.end(), [dotted](char c) {
    return is_alnum(c) || c == '_' || (dotted && (c == '.' || c == ':' || c == '>' || c == '-'));
  });
}

bool is_hex(std::string_view value) { return std::all_of(value.begin(), value.end(), is_hex_digit); }

/// May stand in a value that a machine made: base64 and its URL form, and what joins parts of tokens.
bool is_key_character(char c) { return is_alnum(c) || std::string_view("-_./+=:~").find(c) != std::string_view::npos; }

/// 0x and forty hexadecimal digits: a contract or wallet of Ethereum, which its own detector sees.
bool is_chain_address(std::string_view value) {
  return value.size() == 42 && value.starts_with("0x") && is_hex(value.substr(2));
}

size_t digit_letter_changes(std::string_view value) {
  size_t changes = 0;
  for (size_t i = 1; i < value.size(); ++i)
    changes += (is_digit(value[i]) && is_letter(value[i - 1])) || (is_letter(value[i]) && is_digit(value[i - 1]));
  return changes;
}

}  // namespace

unsigned character_classes(std::string_view value) {
  bool lower = false, upper = false, digit = false, other = false;
  for (char c : value) {
    if (is_lower(c))
      lower = true;
    else if (is_upper(c))
      upper = true;
    else if (is_digit(c))
      digit = true;
    else
      other = true;
  }
  return static_cast<unsigned>(lower) + static_cast<unsigned>(upper) + static_cast<unsigned>(digit) +
         static_cast<unsigned>(other);
}

bool is_technical_word(std::string_view value) {
  static const WordTable kWords(
      {{1,
        "base64|base32|base58|sha1|sha256|sha384|sha512|sha-1|sha-256|sha-512|md5|utf8|utf-8|utf16|"
        "x509|x.509|oauth2|ipv4|ipv6|http2|http/2|k8s|i18n|l10n|a11y|ed25519|argon2|argon2id|pbkdf2|"
        "rsa2048|rsa4096|aes128|aes256|aes-256|hs256|rs256|es256|pkcs12|pkcs8|latin1|saml2|oauth2.0|"
        "2fa|mfa2|p12|v1|v2|v3|ntlmv2"}});
  return kWords.of(value) != 0;
}

bool begins_as_path(std::string_view value) {
  if (value.starts_with("/") || value.starts_with("./") || value.starts_with("../") || value.starts_with("~") ||
      value.starts_with("\\\\") || value == "." || value == "..")
    return true;
  return value.size() >= 2 && is_letter(value[0]) && value[1] == ':' &&
         (value.size() == 2 || value[2] == '\\' || value[2] == '/');
}

bool is_path(std::string_view value) {
  bool scheme = value.find("://") != std::string_view::npos;
  bool begins = begins_as_path(value);
  size_t slashes =
      static_cast<size_t>(std::count_if(value.begin(), value.end(), [](char c) { return c == '/' || c == '\\'; }));
  if (!begins && !scheme && slashes == 0) return false;
  Pieces pieces(value);
  bool words = pieces.letters > 0 && pieces.of_words * 3 >= pieces.letters * 2;
  if (scheme) return value.find('@') == std::string_view::npos;
  if (value.starts_with("./") || value.starts_with("../") || value.starts_with("~/")) return true;
  if (begins) return words || (slashes >= 2 && pieces.letters < 8);
  return words && pieces.numbers <= pieces.joints + 1 && !value.ends_with('=');
}

bool is_file_name(std::string_view value) {
  size_t dot = value.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 2 > value.size() || value.size() - dot > 8) return false;
  std::string_view ending = value.substr(dot + 1);
  if (!is_lower(ending[0]) ||
      !std::all_of(ending.begin(), ending.end(), [](char c) { return is_lower(c) || is_digit(c); }))
    return false;
  return is_slug(value.substr(0, dot));
}

bool is_version(std::string_view value) {
  size_t i = !value.empty() && (value[0] == 'v' || value[0] == 'V') ? 1 : 0;
  size_t from = i, dots = 0;
  while (i < value.size() && (is_digit(value[i]) || (value[i] == '.' && i > from))) dots += value[i++] == '.' ? 1 : 0;
  if (i == from || (dots == 0 && from == 0)) return false;
  if (i == value.size()) return true;
  return (value[i] == '-' || value[i] == '+' || is_letter(value[i])) && dots > 0 && value.size() - i <= 24;
}

bool is_slug(std::string_view value) {
  if (value.empty() || !is_alnum(value[0])) return false;
  Pieces pieces(value);
  if (pieces.other || pieces.letters < 3) return false;
  if (pieces.of_words * 6 < pieces.letters * 5) return false;
  return pieces.numbers <= pieces.joints + 1 && pieces.longest_number <= 8;
}

bool is_plain_number(std::string_view value) {
  constexpr size_t kMaxDigits = 15;
  if (value.empty() || value.size() > kMaxDigits + 3) return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return is_digit(c) || c == '.' || c == ',' || c == '-' || c == '+' || c == '%'; });
}

bool is_code(std::string_view value) {
  if (value.empty()) return false;
  if (value[0] == '!') return value.size() > 1 && std::all_of(value.begin() + 1, value.end(), is_letter);
  size_t end = 0;
  while (end < value.size() && (is_alnum(value[end]) || value[end] == '_' || value[end] == '.' || value[end] == ':'))
    ++end;
  bool opens = end > 0 && end < value.size() && (value[end] == '(' || value[end] == '[');
  std::string_view name = value.substr(0, end);
  return opens && (count_digits(name) == 0 || is_slug(name));
}

bool is_reference(std::string_view value) {
  if (value.empty()) return true;
  if (value[0] == '$' || value[0] == '@') {  // $name, $list[, @Microsoft.KeyVault(
    size_t end = 1;
    while (end < value.size() &&
           (is_alnum(value[end]) || std::string_view("_.:->").find(value[end]) != std::string_view::npos))
      ++end;
    bool opens = end < value.size() && std::string_view("[({").find(value[end]) != std::string_view::npos;
    std::string_view name = value.substr(1, end - 1);
    if (name.empty() || (!opens && (end < value.size() || value[0] == '@'))) return false;
    return is_slug(name) || count_digits(name) == 0;
  }
  // OPENAI_API_KEY: the name of a variable.
  if (value.find('_') != std::string_view::npos && is_identifier(value, false) && is_slug(value) &&
      std::none_of(value.begin(), value.end(), is_lower))
    return true;
  bool member = value.find('.') != std::string_view::npos || value.find("->") != std::string_view::npos ||
                value.find("::") != std::string_view::npos;
  return member && is_identifier(value, true) && is_slug(value);
}

bool is_resource_name(std::string_view value) {
  constexpr size_t kLongestPiece = 12;
  size_t words = 0, joints = 0;
  for (size_t i = 0; i <= value.size();) {
    size_t end = i;
    while (end < value.size() && (is_lower(value[end]) || is_digit(value[end]))) ++end;
    if (end < value.size() && value[end] != '-' && value[end] != '.') return false;
    std::string_view piece = value.substr(i, end - i);
    if (piece.size() > kLongestPiece) return false;
    words += is_wordlike(piece, false) && count_digits(piece) == 0 ? 1 : 0;
    joints += end < value.size() ? 1 : 0;
    i = end + 1;
  }
  return joints > 0 && words > 0;
}

bool may_be_credential(std::string_view value) {
  constexpr size_t kShortest = 8, kLongWord = 16;
  if (value.size() < kShortest || value.size() > kLongest || is_stand_in(value, As::kKey)) return false;
  if (std::any_of(value.begin(), value.end(), is_space)) return false;
  if (is_plain_number(value) || is_reference(value) || is_code(value) || is_path(value) || is_file_name(value) ||
      is_version(value) || is_technical_word(value))
    return false;
  if (is_uuid(value)) return true;
  size_t digits = count_digits(value);
  bool slug = is_slug(value);
  if (digits == 0) {
    // Letters alone: of both cases and long, or with punctuation that joins no words.
    bool humps =
        std::any_of(value.begin() + 1, value.end(), is_upper) && std::any_of(value.begin(), value.end(), is_lower);
    return !slug && value.size() >= kLongWord && humps && entropy(value) >= 3.5;
  }
  if (!slug) return digits == value.size() ? value.size() >= kLongWord : entropy(value) >= 2.5;
  // A word with digits is a chosen secret ("supersecret123"); with joints it is the name of a thing ("prod-db-2").
  return std::all_of(value.begin(), value.end(), is_alnum) && digits >= 2;
}

bool is_generated(std::string_view value) {
  constexpr size_t kShortest = 16;
  if (value.size() < kShortest || value.size() > kLongest || is_stand_in(value, As::kKey)) return false;
  if (!std::all_of(value.begin(), value.end(), is_key_character)) return false;
  size_t digits = count_digits(value);
  if (digits < 2 || digits + 2 > value.size()) return false;
  if (is_uuid(value) || is_slug(value) || is_path(value) || is_file_name(value) || is_version(value) ||
      date_at(value) != 0 || is_reference(value) || is_resource_name(value) || is_chain_address(value))
    return false;
  if (digit_letter_changes(value) < 3) return false;
  return entropy(value) >= (is_hex(value) ? 2.8 : 3.3);
}

bool is_strong_password(std::string_view value) {
  constexpr size_t kShortest = 8, kLongestPassword = 128;
  if (value.size() < kShortest || value.size() > kLongestPassword || is_stand_in(value, As::kPassword)) return false;
  if (std::any_of(value.begin(), value.end(), is_space) || value[0] == '-') return false;
  if (is_reference(value) || is_code(value) || is_path(value) || is_file_name(value) || is_version(value) ||
      is_slug(value) || is_uuid(value) || is_technical_word(value) || date_at(value) != 0 || is_plain_number(value))
    return false;
  size_t digits = count_digits(value);
  if (digits == 0 || digits + 2 > value.size()) return false;
  return character_classes(value) >= 3 || (value.size() >= 12 && digit_letter_changes(value) >= 3);
}

}  // namespace mas::dlp
