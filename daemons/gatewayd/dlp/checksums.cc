// Check digits, ranges and lengths.
#include "daemons/gatewayd/dlp/checksums.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/wire/digest.h"

namespace mas::dlp {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
int value_of(char digit) { return digit - '0'; }

int number(std::string_view digits) {
  int value = 0;
  for (char c : digits) value = value * 10 + value_of(c);
  return value;
}

bool all_same(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c == text[0]; });
}

/// @return whether weights and digits add up to a multiple of `modulus`.
template <size_t N>
bool weighted(std::string_view digits, const std::array<int, N>& weights, int modulus) {
  int sum = 0;
  for (size_t i = 0; i < N; ++i) sum += weights[i] * value_of(digits[i]);
  return sum % modulus == 0;
}

}  // namespace

bool luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (auto at = digits.rbegin(); at != digits.rend(); ++at, twice = !twice) {
    int digit = value_of(*at) * (twice ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

bool npi(std::string_view digits) {
  constexpr int kPrefix = 24;  // what 80840 adds to the sum
  if (digits.size() != 10 || (digits[0] != '1' && digits[0] != '2')) return false;
  int sum = kPrefix;
  for (size_t i = 0; i < 10; ++i) {
    int digit = value_of(digits[i]) * (i % 2 == 0 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

bool aba(std::string_view digits) {
  if (digits.size() != 9) return false;
  int pair = number(digits.substr(0, 2));
  bool assigned = (pair >= 1 && pair <= 12) || (pair >= 21 && pair <= 32) || (pair >= 61 && pair <= 72) || pair == 80;
  return assigned && weighted<9>(digits, {3, 7, 1, 3, 7, 1, 3, 7, 1}, 10);
}

bool dea(std::string_view digits) {
  if (digits.size() != 7 || all_same(digits)) return false;
  int odd = value_of(digits[0]) + value_of(digits[2]) + value_of(digits[4]);
  int even = value_of(digits[1]) + value_of(digits[3]) + value_of(digits[5]);
  return (odd + 2 * even) % 10 == value_of(digits[6]);
}

bool nhs(std::string_view digits) {
  return digits.size() == 10 && !all_same(digits) && weighted<10>(digits, {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 11);
}

bool verhoeff(std::string_view digits) {
  // Multiplication in the dihedral group D5, and the permutation of the position.
  static constexpr uint8_t kTimes[10][10] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
                                             {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
                                             {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
                                             {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
                                             {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}};
  static constexpr uint8_t kStep[10] = {1, 5, 7, 6, 2, 8, 3, 0, 9, 4};
  unsigned check = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    auto digit = static_cast<unsigned>(value_of(digits[digits.size() - 1 - i]));
    for (size_t n = i % 8; n > 0; --n) digit = kStep[digit];
    check = kTimes[check][digit];
  }
  return check == 0;
}

namespace {

struct IbanLength {
  char country[3];
  uint8_t length;
};
// SWIFT, IBAN Registry, release 97.
constexpr IbanLength kIbanLengths[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22},
    {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27},
    {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22},
    {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32},
    {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19},
    {"MN", 20}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24},
    {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31},
    {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23},
    {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30}};

}  // namespace

size_t iban_length(char first, char second) {
  static constexpr auto kByLetters = [] {
    std::array<std::array<uint8_t, 26>, 26> lengths{};
    for (const IbanLength& entry : kIbanLengths)
      lengths[static_cast<size_t>(entry.country[0] - 'A')][static_cast<size_t>(entry.country[1] - 'A')] = entry.length;
    return lengths;
  }();
  if (!is_upper(first) || !is_upper(second)) return 0;
  return kByLetters[static_cast<size_t>(first - 'A')][static_cast<size_t>(second - 'A')];
}

bool iban(std::string_view iban) {
  if (iban.size() < 2 || iban.size() != iban_length(iban[0], iban[1])) return false;
  unsigned rest = 0;
  for (size_t i = 0; i < iban.size(); ++i) {
    char c = iban[(i + 4) % iban.size()];
    if (is_digit(c))
      rest = (rest * 10 + static_cast<unsigned>(value_of(c))) % 97;
    else if (is_upper(c))
      rest = (rest * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
    else
      return false;
  }
  return rest == 1;
}

bool base58check(std::string_view text) {
  constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  constexpr size_t kBytes = 25;
  std::array<unsigned char, kBytes> bytes{};
  for (char c : text) {
    size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return false;
    auto carry = static_cast<unsigned>(digit);
    for (size_t i = kBytes; i-- > 0;) {
      carry += bytes[i] * 58u;
      bytes[i] = static_cast<unsigned char>(carry & 0xff);
      carry >>= 8;
    }
    if (carry != 0) return false;
  }
  constexpr unsigned char kVersions[] = {0x00, 0x05, 0x6f, 0xc4, 0x30, 0x1e, 0x4c};  // BTC, LTC, DOGE, DASH
  if (std::find(std::begin(kVersions), std::end(kVersions), bytes[0]) == std::end(kVersions)) return false;
  Digest check = sha256(view_of(sha256(view_of(bytes).substr(0, kBytes - 4))));
  return view_of(check).substr(0, 4) == view_of(bytes).substr(kBytes - 4);
}

bool bech32(std::string_view text) {
  constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  constexpr uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  size_t one = text.rfind('1');
  if (one == std::string_view::npos || one == 0 || text.size() - one < 7 || text.size() > 90) return false;
  uint32_t check = 1;
  auto step = [&](uint32_t value) {
    uint32_t top = check >> 25;
    check = (check & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; ++i)
      if ((top >> i & 1) != 0) check ^= kGenerator[i];
  };
  for (char c : text.substr(0, one)) step(static_cast<unsigned char>(c) >> 5);
  step(0);
  for (char c : text.substr(0, one)) step(static_cast<unsigned char>(c) & 31);
  for (char c : text.substr(one + 1)) {
    size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    step(static_cast<uint32_t>(value));
  }
  return check == 1 || check == 0x2bc830a3;
}

bool ssn(std::string_view digits) {
  if (digits.size() != 9 || all_same(digits)) return false;
  int area = number(digits.substr(0, 3));
  if (area == 0 || area == 666 || area >= 900) return false;
  if (digits == "078051120" || digits == "219099999") return false;
  return digits.substr(3, 2) != "00" && digits.substr(5) != "0000";
}

bool itin(std::string_view digits) {
  if (digits.size() != 9 || digits[0] != '9') return false;
  int group = number(digits.substr(3, 2));
  return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group <= 92) ||
         (group >= 94 && group <= 99);
}

bool card_issuer(std::string_view digits) {
  size_t size = digits.size();
  if (size < 13 || size > 19) return false;
  int two = number(digits.substr(0, 2)), three = number(digits.substr(0, 3)), four = number(digits.substr(0, 4));
  int six = number(digits.substr(0, 6));
  if (digits[0] == '4') return size == 13 || size == 16 || size == 19;                                   // Visa
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return size == 16;                     // Mastercard
  if (two == 34 || two == 37) return size == 15;                                                         // Amex
  if ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39) return size >= 14;          // Diners Club
  if (four >= 3528 && four <= 3589) return size >= 16;                                                   // JCB
  if (four == 6011 || (three >= 644 && three <= 649) || two == 65) return size >= 16;                    // Discover
  if (two == 62 || (six >= 622126 && six <= 622925) || two == 81) return size >= 16;                     // UnionPay
  return (two == 50 || (two >= 56 && two <= 58) || two == 63 || two == 67) && size >= 13 && size <= 19;  // Maestro
}

bool nanp(std::string_view digits) {
  if (digits.size() != 10 || digits[0] < '2' || digits[3] < '2') return false;
  if (all_same(digits)) return false;
  return digits.substr(1, 2) != "11" && digits.substr(4, 2) != "11";
}

bool icd10(std::string_view code) {
  // Last block of each letter in ICD-10-CM: the tabular list has none past it.
  constexpr uint8_t kLast[26] = {99, 99, 99, 89, 89, 99, 99, 95, 99, 99, 95, 99, 99,
                                 99, 99, 96, 99, 99, 99, 88, 85, 99, 99, 99, 99, 99};
  if (code.size() < 3 || code.size() > 7 || !is_upper(code[0]) || !is_digit(code[1])) return false;
  if (!is_digit(code[2])) return is_upper(code[2]) && code[2] <= 'B';
  return number(code.substr(1, 2)) <= kLast[code[0] - 'A'];
}

bool medicare_beneficiary(std::string_view code) {
  constexpr std::string_view kForm = "CAXNAXNAANN";
  constexpr std::string_view kExcluded = "SLOIBZ";
  if (code.size() != kForm.size()) return false;
  for (size_t i = 0; i < code.size(); ++i) {
    char c = code[i];
    bool letter = is_upper(c) && kExcluded.find(c) == std::string_view::npos;
    bool fits = kForm[i] == 'C'   ? c >= '1' && c <= '9'
                : kForm[i] == 'N' ? is_digit(c)
                : kForm[i] == 'A' ? letter
                                  : letter || is_digit(c);
    if (!fits) return false;
  }
  return true;
}

bool nino(std::string_view code) {
  if (code.size() != 9) return false;
  constexpr std::string_view kNoFirst = "DFIQUV", kNoSecond = "DFIOQUV";
  constexpr std::string_view kNoPrefix[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
  if (!is_upper(code[0]) || !is_upper(code[1]) || code[8] < 'A' || code[8] > 'D') return false;
  if (kNoFirst.find(code[0]) != std::string_view::npos || kNoSecond.find(code[1]) != std::string_view::npos)
    return false;
  if (std::find(std::begin(kNoPrefix), std::end(kNoPrefix), code.substr(0, 2)) != std::end(kNoPrefix)) return false;
  return std::all_of(code.begin() + 2, code.begin() + 8, is_digit);
}

bool calendar_day(int year, int month, int day) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1900 || year > 2099 || month < 1 || month > 12 || day < 1) return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

double entropy(std::string_view text) {
  if (text.empty()) return 0;
  std::array<uint32_t, 256> counts{};
  std::array<uint64_t, 4> there{};  // a bit for each byte: short texts hold few of them
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    ++counts[byte];
    there[byte / 64] |= uint64_t{1} << byte % 64;
  }
  double bits = 0, size = static_cast<double>(text.size());
  uint32_t last = 0;
  double part = 0;  // of a byte that stands there `last` times: most stand there as often as the one before
  for (size_t word = 0; word < there.size(); ++word) {
    for (uint64_t left = there[word]; left != 0; left &= left - 1) {
      uint32_t count = counts[word * 64 + static_cast<size_t>(std::countr_zero(left))];
      if (count != last) part = count / size * std::log2(count / size);
      last = count;
      bits -= part;
    }
  }
  return bits;
}

}  // namespace mas::dlp
