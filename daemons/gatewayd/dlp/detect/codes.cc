// Codes of letters and digits: diagnoses, Medicare numbers, IBAN, DEA, national insurance numbers, wallets, MAC
// addresses.
#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

/// As it is printed on the card, 1EG4-TE5-MK73, it is one by itself. One random word in 12,500 fits the alphabet, and
/// one in 1,050 of eleven hexadecimal digits: without the hyphens or in lower case something must say so.
void medicare(Sight& sight, uint32_t begin) {
  if (!sight.wants(Type::health_insurance)) return;
  std::array<char, 11> code{};
  size_t size = 0;
  uint32_t i = begin, hyphens = 0;
  bool lower = false;
  for (; size < code.size(); ++i) {
    char c = sight.at(i);
    if ((size == 4 || size == 7) && (c == '-' || c == ' ') && is_alnum(sight.at(i + 1))) {
      hyphens += c == '-' ? 1 : 0;
      c = sight.at(++i);
    }
    if (!is_alnum(c)) return;
    lower = lower || is_lower(c);
    code[size++] = to_upper(c);
  }
  if (is_alnum(sight.at(i)) || sight.at(i) == '-' || sight.at(i) == '_') return;
  if (!medicare_beneficiary({code.data(), size})) return;
  if (char before = sight.before(begin); before == '-' || before == '/' || before == '.') return;
  Span all{begin, i};
  bool printed = hyphens == 2 && !lower;
  ContextMask wanted = is_key_against(sight, all) ? 0
                       : lower                    ? bit(kInsurance)
                                                  : bits(kInsurance, kMrn, kMedical, kClinical);
  sight.see(Type::health_insurance, all, {printed ? 0.75F : 0.5F, wanted, false, !printed, "medicare"});
}

constexpr uint32_t kShortestWallet = 26, kLongestWallet = 35;

/// @param all a word of letters and digits.
void wallet(Sight& sight, Span all) {
  std::string_view word = sight.view(all);
  if (!sight.wants(Type::crypto_wallet) || (word[0] != '1' && word[0] != '3')) return;
  bool upper = std::ranges::any_of(word, is_upper), lower = std::ranges::any_of(word, is_lower);
  if (!upper || !lower || !base58check(word)) return;  // a hash has letters of one case
  sight.see(Type::crypto_wallet, all, {0.6F, bit(kWallet), true, false, "bitcoin"});
}

void mac_address(Sight& sight, uint32_t begin) {
  if (!sight.wants(Type::mac_address)) return;
  char separator = sight.at(begin + 2);
  if (separator != ':' && separator != '-') return;
  for (uint32_t i = 0; i < 17; ++i) {
    char c = sight.at(begin + i);
    if (i % 3 == 2 ? c != separator : !is_hex_digit(c)) return;
  }
  if (is_alnum(sight.at(begin + 17)) || sight.at(begin + 17) == separator) return;
  sight.see(Type::mac_address, {begin, begin + 17}, {0.8F, 0, false, false});
}

/// Whether another decimal follows, as in the path of a drawing: M36.202 1.773.
bool is_coordinate(const Sight& sight, uint32_t end) {
  char c = sight.at(end);
  uint32_t i = end + (c == ' ' || c == ',' ? 1 : 0);
  if (sight.at(i) == '-') ++i;
  if (i == end || !(is_digit(sight.at(i)) || sight.at(i) == '.')) return false;
  uint32_t digits = i;
  while (digits - i < 6 && is_digit(sight.at(digits))) ++digits;
  return sight.at(digits) == '.' && is_digit(sight.at(digits + 1));
}

/// Whether a word is a letter and a number of other than two digits: G1, Y118.317.
bool is_machine_word(std::string_view text, uint32_t begin) {
  constexpr uint32_t kLongest = 8;
  if (begin + 1 >= text.size() || !is_upper(text[begin])) return false;
  uint32_t digits = 0;
  while (digits < kLongest && begin + 1 + digits < text.size() && is_digit(text[begin + 1 + digits])) ++digits;
  char after = begin + 1 + digits < text.size() ? text[begin + 1 + digits] : ' ';
  return digits > 0 && digits != 2 && !is_alnum(after);
}

/// Whether the code is a word of a program for a machine tool (ISO 6983): "G1 X80.719 Y118.317".
bool is_machine_code(const Sight& sight, Span code) {
  constexpr uint32_t kLongest = 12;
  if (sight.at(code.end) == ' ' && is_machine_word(sight.text(), code.end + 1)) return true;
  if (sight.before(code.begin) != ' ') return false;
  uint32_t begin = code.begin - 1;
  while (begin > 0 && code.begin - begin < kLongest && (is_alnum(sight.at(begin - 1)) || sight.at(begin - 1) == '.'))
    --begin;
  char axis = sight.at(code.begin), previous = sight.at(begin);
  bool next_axis = (axis == 'Y' && previous == 'X') || (axis == 'Z' && previous == 'Y');
  return next_axis || is_machine_word(sight.text(), begin);
}

/// What a code with a dot is worth. Parts, rooms and releases are numbered by a letter, two digits and one more as
/// well: such a short one needs a word of medicine, and any is none where a word of engineering stands by it.
float dotted_shape(Sight& sight, Span all, bool lower, size_t decimals) {
  ContextMask around = sight.near(all) | sight.node_of(all.begin).context;
  bool clinical = (around & bits(kMedical, kClinical, kDiagnosis, kMrn, kInsurance, kNpi)) != 0;
  bool technical = (around & bit(kParts)) != 0 || is_coordinate(sight, all.end) || is_machine_code(sight, all);
  if (technical && !clinical) return 0.2F;
  if (lower) return 0.45F;
  return decimals > 1 || clinical ? 0.62F : 0.55F;
}

/// Letter, two characters, a dot and one to four more; without the dot something must say so.
void diagnosis(Sight& sight, uint32_t begin) {
  constexpr uint32_t kShortest = 3, kLongest = 7;
  if (!sight.wants(Type::icd10)) return;
  uint32_t word = sight.classes().end(&ByteClasses::Word::alnum, begin) - begin;
  if (word < kShortest || word > kLongest) return;
  char outside = sight.before(begin);
  if (outside == '-' || outside == '.' || outside == '/' || outside == '#') return;
  std::array<char, kLongest> code{};
  size_t size = 0;
  uint32_t i = begin;
  bool lower = is_lower(sight.at(begin)), dotted = false;
  for (; size < code.size(); ++i) {
    char c = sight.at(i);
    if (size == 3 && c == '.' && !dotted && is_alnum(sight.at(i + 1))) {
      dotted = true;
      continue;
    }
    if (!is_alnum(c)) break;
    code[size++] = to_upper(c);
  }
  if (is_alnum(sight.at(i)) || sight.at(i) == '_' || !icd10({code.data(), size})) return;
  if ((sight.at(i) == '-' || sight.at(i) == '.' || sight.at(i) == '/') && is_alnum(sight.at(i + 1))) return;
  Span all{begin, i};
  // Claims write codes without their dot; so are parts and rooms numbered.
  bool flat = size > 3 && !dotted;
  if (flat && ((sight.node_of(begin).context | sight.near(all)) & bit(kDiagnosis)) == 0) return;
  float shape = dotted ? dotted_shape(sight, all, lower, size - 3) : lower ? 0.3F : 0.45F;
  sight.see(Type::icd10, all, {shape, bit(kDiagnosis), false, true});
}

void iban_at(Sight& sight, uint32_t begin) {
  if (!sight.wants(Type::iban)) return;
  std::array<char, kLongestIban> code{};
  const size_t wanted = iban_length(to_upper(sight.at(begin)), to_upper(sight.at(begin + 1)));
  if (wanted == 0) return;
  size_t size = 0;
  uint32_t end = begin;
  for (uint32_t i = begin; size < wanted; ++i) {
    char c = sight.at(i);
    if ((c == ' ' || c == '-') && is_alnum(sight.at(i + 1)) && size >= 4) continue;
    if (!is_alnum(c)) return;
    code[size++] = to_upper(c);
    end = i + 1;
  }
  if (!is_alnum(sight.at(end)) && iban({code.data(), size}))
    sight.see(Type::iban, {begin, end}, {0.6F, bit(kIban), true, false});
}

/// DEA: the kind of registrant, a letter of the name, seven digits.
void registration(const DigitGroupChain& chain, uint32_t begin) {
  constexpr std::string_view kKinds = "ABCDEFGHJKLMPRSTUX";
  Sight& sight = chain.sight();
  uint32_t end = chain.group(0).end();
  if (chain.size_of(0) != 7 || is_alnum(sight.at(end))) return;
  bool letters = kKinds.find(sight.at(begin)) != std::string_view::npos && is_upper(sight.at(begin + 1));
  if (letters && dea(chain.digits(1).view())) sight.see(Type::dea, {begin, end}, {0.5F, bit(kDea), false, true});
}

}  // namespace

void see_lettered(const DigitGroupChain& chain) {
  constexpr uint32_t kPartOfMac = 2;
  Sight& sight = chain.sight();
  const DigitGroup& first = chain.group(0);
  char after = sight.at(first.end());
  uint32_t size = sight.classes().end(&ByteClasses::Word::alnum, first.begin) - first.begin;  // of its word
  bool may_be_medicare = size == 4 || size == 7 || size == 11;  // with and without separators
  if (may_be_medicare && (is_letter(after) || after == '-')) medicare(sight, first.begin);
  if (is_letter(after) && size >= kShortestWallet && size <= kLongestWallet)
    wallet(sight, {first.begin, first.begin + size});
  if (size == kPartOfMac) mac_address(sight, first.begin);
}

void see_after_letters(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  uint32_t begin = chain.group(0).begin, letters = 0;
  while (letters < 3 && is_letter(sight.before(begin - letters))) ++letters;
  if (letters == 0 || letters > 2) return;
  char outside = sight.before(begin - letters);
  if (is_alnum(outside) || outside == '_') return;
  if (letters == 1) return diagnosis(sight, begin - 1);
  iban_at(sight, begin - 2);
  registration(chain, begin - 2);
  see_national_insurance(chain, begin - 2);
}

void see_national_insurance(const DigitGroupChain& chain, uint32_t begin) {
  Sight& sight = chain.sight();
  if (!sight.wants(Type::uk_nino)) return;
  std::array<char, 9> code{};
  size_t size = 0;
  uint32_t i = begin;
  for (; size < code.size(); ++i) {
    char c = sight.at(i);
    if (c == ' ' && size > 0) continue;
    if (!is_alnum(c)) return;
    code[size++] = to_upper(c);
  }
  if (is_alnum(sight.at(i)) || !nino({code.data(), size})) return;
  sight.see(Type::uk_nino, {begin, i}, {0.65F, bit(kNino), false, false});
}

}  // namespace mas::dlp
