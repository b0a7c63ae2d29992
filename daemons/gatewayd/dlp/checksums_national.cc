// Check digits of national identifiers.
#include "daemons/gatewayd/dlp/checksums_national.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

int value_of(char digit) { return digit - '0'; }

bool all_digits(std::string_view text) { return std::all_of(text.begin(), text.end(), is_digit); }
bool all_same(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return c == text[0]; });
}

int number(std::string_view digits) {
  int value = 0;
  for (char c : digits) value = value * 10 + value_of(c);
  return value;
}

template <size_t N>
int weighted_sum(std::string_view digits, const std::array<int, N>& weights) {
  int sum = 0;
  for (size_t i = 0; i < N; ++i) sum += weights[i] * value_of(digits[i]);
  return sum;
}

/// Brazil's check digit: weights from 2 up, from the right, beginning anew after `highest`; below 2 it is 0.
int brazilian_digit(std::string_view code, int highest) {
  int sum = 0, weight = 2;
  for (auto at = code.rbegin(); at != code.rend(); ++at) {
    sum += value_of(*at) * weight;
    weight = weight == highest ? 2 : weight + 1;
  }
  int rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

bool brazilian(std::string_view code, int highest) {
  size_t body = code.size() - 2;
  return all_digits(code.substr(body)) && brazilian_digit(code.substr(0, body), highest) == value_of(code[body]) &&
         brazilian_digit(code.substr(0, body + 1), highest) == value_of(code[body + 1]);
}

}  // namespace

bool kvnr(std::string_view code) {
  if (code.size() != 10 || !is_upper(code[0]) || !all_digits(code.substr(1)) || all_same(code.substr(1))) return false;
  int letter = code[0] - 'A' + 1;
  std::array<int, 10> parts = {letter / 10, letter % 10};
  for (size_t i = 2; i < parts.size(); ++i) parts[i] = value_of(code[i - 1]);
  int sum = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    int product = parts[i] * (i % 2 == 0 ? 1 : 2);
    sum += product / 10 + product % 10;
  }
  return sum % 10 == value_of(code[9]);
}

bool steuer_id(std::string_view digits) {
  if (digits.size() != 11 || !all_digits(digits) || digits[0] == '0') return false;
  std::array<int, 10> counts{};
  for (char c : digits.substr(0, 10)) ++counts[static_cast<size_t>(value_of(c))];
  auto repeated = std::count_if(counts.begin(), counts.end(), [](int n) { return n > 1; });
  if (repeated != 1 || *std::max_element(counts.begin(), counts.end()) > 3) return false;
  for (size_t i = 2; i < 10; ++i)
    if (digits[i] == digits[i - 1] && digits[i] == digits[i - 2]) return false;
  int product = 10;
  for (char c : digits.substr(0, 10)) {
    int sum = (value_of(c) + product) % 10;
    product = (sum == 0 ? 10 : sum) * 2 % 11;
  }
  return (11 - product) % 10 == value_of(digits[10]);
}

bool au_medicare(std::string_view digits) {
  if ((digits.size() != 10 && digits.size() != 11) || !all_digits(digits)) return false;
  if (digits[0] < '2' || digits[0] > '6' || digits[9] == '0') return false;  // the tenth counts the cards issued
  return weighted_sum<8>(digits, {1, 3, 7, 9, 1, 3, 7, 9}) % 10 == value_of(digits[8]);
}

bool tfn(std::string_view digits) {
  if (digits.size() != 9 || !all_digits(digits) || all_same(digits)) return false;
  return weighted_sum<9>(digits, {1, 4, 3, 7, 5, 8, 6, 9, 10}) % 11 == 0;
}

bool nir(std::string_view code) {
  if (code.size() != 15 || std::string_view("123478").find(code[0]) == std::string_view::npos) return false;
  bool corsica = code[5] == '2' && (code[6] == 'A' || code[6] == 'B');
  uint64_t value = 0;
  for (size_t i = 0; i < 13; ++i) {
    char c = corsica && i == 6 ? (code[6] == 'A' ? '9' : '8') : code[i];
    if (corsica && i == 5) c = '1';
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<uint64_t>(value_of(c));
  }
  if (!all_digits(code.substr(13))) return false;
  bool provisional = code[0] >= '7';      // a health fund's number, without a date
  int month = number(code.substr(3, 2));  // past 12: where the month is not known
  if (!provisional && (month == 0 || (month > 12 && month < 20) || (month > 42 && month < 50))) return false;
  return 97 - static_cast<int>(value % 97) == number(code.substr(13));
}

bool dni(std::string_view code) {
  constexpr std::string_view kLetters = "TRWAGMYFPDXBNJZSQVHLCKE", kForeign = "XYZ";
  if (code.size() != 9 || !all_digits(code.substr(1, 7))) return false;
  size_t foreign = kForeign.find(code[0]);
  if (foreign == std::string_view::npos && !is_digit(code[0])) return false;
  int first = foreign == std::string_view::npos ? value_of(code[0]) : static_cast<int>(foreign);
  int value = first * 10000000 + number(code.substr(1, 7));
  return value > 0 && kLetters[static_cast<size_t>(value % 23)] == code[8];
}

bool codice_fiscale(std::string_view code) {
  // What a digit or a letter counts in the first, third, … place; letters as the digit of their place in the alphabet.
  constexpr std::array<int, 26> kOdd = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                        20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
  constexpr std::string_view kForm = "AAAAAANNANNANNNA";  // N: a digit, or a letter in its place
  constexpr std::string_view kForDigits = "LMNPQRSTUV", kMonths = "ABCDEHLMPRST";
  if (code.size() != kForm.size()) return false;
  for (size_t i = 0; i < code.size(); ++i) {
    bool fits =
        kForm[i] == 'A' ? is_upper(code[i]) : is_digit(code[i]) || kForDigits.find(code[i]) != std::string_view::npos;
    if (!fits) return false;
  }
  auto pair = [&](size_t at) {
    int value = 0;
    for (char c : code.substr(at, 2))
      value = value * 10 + (is_digit(c) ? value_of(c) : static_cast<int>(kForDigits.find(c)));
    return value;
  };
  size_t month = kMonths.find(code[8]);
  if (month == std::string_view::npos) return false;
  int day = pair(9);
  if (day > 40) day -= 40;  // of a woman
  if (!calendar_day(2000 + pair(6), static_cast<int>(month) + 1, day)) return false;
  int sum = 0;
  for (size_t i = 0; i < 15; ++i) {
    int value = is_digit(code[i]) ? value_of(code[i]) : code[i] - 'A';
    sum += i % 2 == 0 ? kOdd[static_cast<size_t>(value)] : value;
  }
  return code[15] - 'A' == sum % 26;
}

bool bsn(std::string_view digits) {
  if (digits.size() != 9 || !all_digits(digits) || all_same(digits)) return false;
  return weighted_sum<9>(digits, {9, 8, 7, 6, 5, 4, 3, 2, -1}) % 11 == 0;
}

bool pesel(std::string_view digits) {
  if (digits.size() != 11 || !all_digits(digits)) return false;
  int month = number(digits.substr(2, 2)), century = month / 20;  // 0: 1900 to 1999; 1: 2000 to 2099; 4: 1800 to 1899
  if (century == 2 || century == 3) return false;
  int year = (century == 1 ? 2000 : 1900) + number(digits.substr(0, 2)), day = number(digits.substr(4, 2));
  if (!calendar_day(year, month % 20, day)) return false;  // 1800 to 1899 have the leap years of 1900 to 1999
  return weighted_sum<11>(digits, {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1}) % 10 == 0;
}

bool cpf(std::string_view digits) {
  return digits.size() == 11 && all_digits(digits) && !all_same(digits) && brazilian(digits, 12);
}

bool cnpj(std::string_view code) {
  bool of_code = std::all_of(code.begin(), code.end(), [](char c) { return is_digit(c) || is_upper(c); });
  return code.size() == 14 && of_code && !all_same(code) && brazilian(code, 9);
}

bool my_number(std::string_view digits) {
  if (digits.size() != 12 || !all_digits(digits) || all_same(digits)) return false;
  int rest = weighted_sum<11>(digits, {6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2}) % 11;
  return (rest <= 1 ? 0 : 11 - rest) == value_of(digits[11]);
}

}  // namespace mas::dlp
