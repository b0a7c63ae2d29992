// Numbers by their shape: every chain of digit groups, and every place in it where something may begin.
#include "daemons/gatewayd/dlp/detect/digit_groups.h"

#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/street.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kStepsOfGroup = 8;

/// Up to 19 digits, put together from groups.
struct Digits {
  std::array<char, 20> bytes{};
  size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};

/// A chain of groups in a text.
class Chain {
 public:
  Chain(Sight& sight, const std::vector<DigitGroup>& groups) : sight_(sight), groups_(groups) {}

  void look_at(size_t i) {
    first_ = i;
    phone_with_country();
    if (starts_clean()) {
      in_groups();
      bare();
      lettered();
    } else {
      after_letters();
    }
  }

 private:
  const DigitGroup& group(size_t n) const { return groups_[first_ + n]; }
  bool has(size_t n) const { return first_ + n < groups_.size(); }
  uint32_t size_of(size_t n) const { return has(n) ? group(n).size : 0; }
  bool sizes(std::initializer_list<uint32_t> wanted) const {
    size_t n = 0;
    return std::all_of(wanted.begin(), wanted.end(), [&](uint32_t size) { return size_of(n++) == size; });
  }
  std::string_view gap(size_t n) const {  // between group n and the next
    return sight_.text().substr(group(n).end(), group(n + 1).begin - group(n).end());
  }
  /// Whether the gaps of the first `n` groups are all the same, and of one byte, or " - ".
  bool uniform(size_t n) const {
    std::string_view first = gap(0);
    if (first.size() != 1 && first != " - " && first != "--" && first != "  ") return false;
    if (first == "(" || first == ")") return false;
    for (size_t i = 1; i + 1 < n; ++i)
      if (gap(i) != first) return false;
    return true;
  }
  Digits digits(size_t n) const {
    Digits all;
    for (size_t i = 0; i < n; ++i)
      for (uint32_t k = 0; k < group(i).size && all.size < all.bytes.size(); ++k)
        all.bytes[all.size++] = sight_.text()[group(i).begin + k];
    return all;
  }
  Span span(size_t n) const { return {group(0).begin, group(n - 1).end()}; }

  /// Nothing that belongs to the number stands before it.
  bool starts_clean() const {
    char c = sight_.before(group(0).begin);
    return !is_alnum(c) && c != '_';
  }
  /// Nothing that belongs to the number stands behind its `n` groups, or before them with the same separator.
  bool stands_alone(size_t n) const {
    uint32_t end = group(n - 1).end();
    char after = sight_.at(end);
    if (is_alnum(after) || after == '_') return false;
    if ((after == '-' || after == '.' || after == '/') && is_alnum(sight_.at(end + 1))) return false;
    char before = sight_.before(group(0).begin);
    if ((before == '-' || before == '.' || before == '+') && group(0).begin >= 2 &&
        is_alnum(sight_.at(group(0).begin - 2)))
      return false;
    return true;
  }

  void in_groups() {
    if (!has(1)) return;
    nine_in_groups();
    card_in_groups();
    phone_in_groups();
    ten_and_twelve_in_groups();
    ip_address();
    uint32_t begin = group(0).begin;  // AB 12 34 56 C
    if (begin >= 3 && sight_.at(begin - 1) == ' ' && !is_alnum(sight_.before(begin - 3))) insurance_gb(begin - 3);
  }

  void nine_in_groups() {
    if (sizes({3, 2, 4}) && uniform(3) && stands_alone(3)) {
      auto number = digits(3);
      float shape = gap(0) == "-" || gap(0) == " - " ? 0.7F : gap(0) == "/" ? 0.4F : 0.6F;
      if (ssn(number.view())) sight_.see(Type::ssn, span(3), {shape, bits(kSsn, kTax), false, true});
      if (itin(number.view())) sight_.see(Type::itin, span(3), {shape, bits(kTax, kSsn), false, true});
    }
    if (sizes({3, 3, 3}) && uniform(3) && stands_alone(3)) {
      auto number = digits(3);
      bool sin = luhn(number.view()) && number.bytes[0] != '0' && number.bytes[0] != '8';
      if (sin) sight_.see(Type::ca_sin, span(3), {0.62F, bit(kSin), false, true});
      if (ssn(number.view())) sight_.see(Type::ssn, span(3), {0.3F, bit(kSsn), false, true});
    }
    if (sizes({1, 1, 1, 1, 1, 1, 1, 1, 1}) && !has(9) && first_ == 0 && uniform(9) && ssn(digits(9).view()))
      sight_.see(Type::ssn, span(9), {0.3F, bit(kSsn), false, true});
    if (sizes({2, 7}) && uniform(2) && stands_alone(2) && ssn(digits(2).view()))
      sight_.see(Type::ssn, span(2), {0.3F, bit(kSsn), false, true});
  }

  /// The groups that are printed on cards; any others only where something says that it is a card.
  void card_in_groups() {
    if (!sight_.wants(Type::credit_card)) return;
    constexpr size_t kMost = 19;
    size_t total = group(0).size;
    if (first_ > 0 && size_of(0) == 1 && size_of(1) == 1) return;  // single digits: a card only from their beginning
    for (size_t n = 2; n <= kMost && has(n - 1) && (n == 2 ? uniform(2) : gap(n - 2) == gap(0)); ++n) {
      total += group(n - 1).size;
      if (total > kMost) return;
      if (total < 13 || !stands_alone(n)) continue;
      auto number = digits(n);
      if (!card_issuer(number.view()) || !luhn(number.view())) continue;
      bool one_by_one = n == groups_.size() && n == number.size && number.size == 16;
      bool printed =
          one_by_one || sizes({4, 4, 4, 4}) || sizes({4, 6, 5}) || sizes({4, 6, 4}) || sizes({4, 4, 4, 4, 3});
      sight_.see(Type::credit_card, span(n), {printed ? 0.6F : 0.45F, bit(kCard), printed, false});
      return;
    }
  }

  void ten_and_twelve_in_groups() {
    if (sizes({3, 3, 4}) && gap(0) == " " && uniform(3) && stands_alone(3) && nhs(digits(3).view()))
      sight_.see(Type::uk_nhs, span(3), {0.62F, bit(kNhs), false, true});
    if (sizes({4, 4, 4}) && uniform(3) && stands_alone(3)) {
      auto number = digits(3);
      if (number.bytes[0] >= '2' && verhoeff(number.view()))
        sight_.see(Type::in_aadhaar, span(3), {0.65F, bit(kAadhaar), false, true});
    }
  }

  /// (415) 555-2671, 415-555-2671, 1.415.555.2671; with spaces alone, or seven digits, something must say so.
  void phone_in_groups() {
    if (!sight_.wants(Type::phone)) return;
    size_t skip = size_of(0) == 1 && sight_.at(group(0).begin) == '1' ? 1 : 0;
    bool ten = size_of(skip) == 3 && size_of(skip + 1) == 3 && size_of(skip + 2) == 4;
    if (ten) {
      first_ += skip;
      bool known = nanp(digits(3).view());
      bool spaced = gap(0) == gap(1) && (gap(0) == " - " || gap(0) == " . ");
      bool tight = spaced || (gap(0).size() <= 2 && gap(1).size() == 1 && gap(1) != ")" && gap(1) != "(");
      bool parenthesis = sight_.before(group(0).begin) == '(' && gap(0).starts_with(')');
      // With spaces alone it must be the whole chain, and no number of Britain's health service.
      bool spaces = gap(0) == " ", whole = first_ == skip && !has(3) && !nhs(digits(3).view());
      bool mixed = !parenthesis && gap(0) != gap(1);
      first_ -= skip;
      Span all = span(skip + 3);
      if (skip == 0 && parenthesis) --all.begin;
      if (sight_.before(all.begin) == '+') --all.begin;
      bool own = sight_.at(group(skip).begin) >= '2';
      if (!own || (!tight && !parenthesis) || !stands_alone(skip + 3)) return;
      float shape = parenthesis ? 0.8F : mixed ? 0.45F : spaces && !whole ? 0.45F : spaces ? 0.6F : 0.65F;
      if (!known) shape = 0.4F;  // 555-123-4567 and others that are made up, where something says that it is one
      if (skip == 1 && !mixed && known) shape = std::max(shape, 0.62F);
      sight_.see(Type::phone, all, {shape, bit(kPhone), false, true});
    } else if (sizes({3, 4}) && gap(0).size() == 1 && stands_alone(2) && sight_.at(group(0).begin) >= '2') {
      sight_.see(Type::phone, span(2), {0.35F, bit(kPhone), false, true});
    } else {
      national_phone();
    }
  }

  /// Groups without a country's number: a telephone only by its key.
  void national_phone() {
    size_t total = 0, n = 0;
    while (has(n) && n < 6 && total + group(n).size <= 12) total += group(n++).size;
    if (n < 2 || total < 8 || has(n) || !stands_alone(n)) return;
    const Node& node = sight_.node_of(group(0).begin);
    if ((node.context & bit(kPhone)) == 0 || date_at(sight_.view(span(n))) > 0) return;
    sight_.see(Type::phone, span(n), {0.3F, bit(kPhone), false, true});
  }

  /// E.164: a plus, one to three digits of a country, fifteen digits at most.
  void phone_with_country() {
    uint32_t begin = group(0).begin;
    if (!sight_.wants(Type::phone) || sight_.before(begin) != '+' || sight_.at(begin) == '0') return;
    if (begin >= 2 && (is_alnum(sight_.at(begin - 2)) || sight_.at(begin - 2) == ' ') && begin >= 3 &&
        is_digit(sight_.at(begin - 3)))
      return;  // a sum
    size_t total = 0, n = 0;
    while (has(n) && n < 7 && total + group(n).size <= 15 &&
           (n == 0 || gap(n - 1).find('\n') == std::string_view::npos))
      total += group(n++).size;
    if (total < 8 || (has(n) && n >= 7)) return;
    auto number = digits(n);
    if (number.bytes[0] == '1' && (total != 11 || !nanp(number.view().substr(1)))) return;
    if (is_alnum(sight_.at(group(n - 1).end()))) return;
    Span all = span(n);
    --all.begin;
    sight_.see(Type::phone, all, {0.7F, bit(kPhone), false, false});
  }

  void ip_address() {
    if (!sight_.wants(Type::ip_address) || !has(3)) return;
    std::array<int, 4> octets{};
    for (size_t i = 0; i < 4; ++i) {
      if (i < 3 && gap(i) != ".") return;
      if (group(i).size > 3 || (group(i).size > 1 && sight_.at(group(i).begin) == '0')) return;
      for (uint32_t k = 0; k < group(i).size; ++k) octets[i] = octets[i] * 10 + (sight_.at(group(i).begin + k) - '0');
      if (octets[i] > 255) return;
    }
    if (!stands_alone(4) || is_reserved(octets)) return;
    sight_.see(Type::ip_address, span(4), {0.7F, 0, false, false});
  }

  /// IANA, "IPv4 Special-Purpose Address Registry" (RFC 6890), and multicast.
  static bool is_reserved(const std::array<int, 4>& ip) {
    auto [a, b, c, d] = ip;
    return a == 0 || a == 10 || a == 127 || a >= 224 || (a == 100 && b >= 64 && b < 128) || (a == 169 && b == 254) ||
           (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 192 && b == 0 && (c == 0 || c == 2)) ||
           (a == 198 && (b == 18 || b == 19)) || (a == 198 && b == 51 && c == 100) || (a == 203 && b == 0 && c == 113);
  }

  /// One group: what it is, only its check digits or what stands around can say.
  void bare() {
    if (has(1) && gap(0).size() == 1 && gap(0) != " " && gap(0) != ")" && gap(0) != "(") return;
    if (!stands_alone(1)) return;
    auto number = digits(1);
    std::string_view view = number.view();
    Span all = span(1);
    switch (group(0).size) {
      case 9:
        if (ssn(view)) sight_.see(Type::ssn, all, {0.4F, bit(kSsn), false, true});
        if (itin(view)) sight_.see(Type::itin, all, {0.4F, bits(kTax, kSsn), false, true});
        if (aba(view)) sight_.see(Type::bank_routing, all, {0.4F, bit(kRouting), false, true});
        if (luhn(view)) sight_.see(Type::ca_sin, all, {0.35F, bit(kSin), false, true});
        break;
      case 10:
        if (npi(view)) sight_.see(Type::npi, all, {0.42F, bit(kNpi), false, true});
        if (nanp(view)) sight_.see(Type::phone, all, {0.4F, bit(kPhone), false, true});
        if (nhs(view)) sight_.see(Type::uk_nhs, all, {0.42F, bit(kNhs), false, true});
        break;
      case 11:
        if (view[0] == '1' && nanp(view.substr(1))) sight_.see(Type::phone, all, {0.4F, bit(kPhone), false, true});
        break;
      case 12:
        if (view[0] >= '2' && verhoeff(view)) sight_.see(Type::in_aadhaar, all, {0.4F, bit(kAadhaar), false, true});
        [[fallthrough]];
      default:
        bare_card(view, all);
    }
    if (group(0).size >= 8 && group(0).size <= 12 && group(0).size != 10)
      if (bool by_key = (sight_.node_of(all.begin).context & bit(kPhone)) != 0; by_key)
        sight_.see(Type::phone, all, {0.3F, bit(kPhone), false, true});
  }

  void bare_card(std::string_view number, Span all) {
    if (!sight_.wants(Type::credit_card) || number.size() < 13 || !card_issuer(number) || !luhn(number)) return;
    bool usual = number.size() == 16 || (number.size() == 15 && number[0] == '3');
    sight_.see(Type::credit_card, all, {usual ? 0.6F : 0.45F, bit(kCard), usual, true});
  }

  /// A digit that letters follow: Medicare numbers, wallets, MAC addresses, street addresses.
  void lettered() {
    char after = sight_.at(group(0).end());
    if (is_letter(after) || after == '-') medicare();
    if (is_letter(after)) wallet();
    if (group(0).size <= 6) street_address();
    if (after == ':' || after == '-' || is_letter(after)) mac_address(group(0).begin);
  }

  /// With or without the dashes that the card is printed with: 1EG4-TE5-MK73.
  void medicare() {
    if (!sight_.wants(Type::health_insurance)) return;
    std::array<char, 11> code{};
    size_t size = 0;
    uint32_t i = group(0).begin;
    for (; size < code.size(); ++i) {
      char c = sight_.at(i);
      if ((size == 4 || size == 7) && (c == '-' || c == ' ') && is_alnum(sight_.at(i + 1))) c = sight_.at(++i);
      if (!is_alnum(c)) return;
      code[size++] = is_lower(c) ? static_cast<char>(c - 32) : c;
    }
    if (is_alnum(sight_.at(i)) || sight_.at(i) == '-' || !medicare_beneficiary({code.data(), size})) return;
    sight_.see(Type::health_insurance, {group(0).begin, i}, {0.75F, bit(kInsurance), false, false, "medicare"});
  }

  void wallet() {
    char first = sight_.at(group(0).begin);
    if (!sight_.wants(Type::crypto_wallet) || (first != '1' && first != '3')) return;
    uint32_t end = group(0).begin;
    bool upper = false, lower = false;  // a hash has letters of one case
    for (; is_alnum(sight_.at(end)) && end - group(0).begin < 36; ++end) {
      upper = upper || is_upper(sight_.at(end));
      lower = lower || is_lower(sight_.at(end));
    }
    Span all{group(0).begin, end};
    if (all.size() < 26 || all.size() > 35 || !upper || !lower || !base58check(sight_.view(all))) return;
    sight_.see(Type::crypto_wallet, all, {0.6F, bit(kWallet), true, false, "bitcoin"});
  }

  void street_address() {
    char after = sight_.at(group(0).end());
    if (!sight_.wants(Type::address) || (after != ' ' && !is_letter(after))) return;
    Street street = street_at(sight_.text(), group(0).begin);
    if (street.end == 0) return;
    float shape = street.capitals ? (street.suffix ? 0.65F : 0.3F) : street.suffix ? 0.42F : 0.2F;
    Span all{group(0).begin, street.end};
    sight_.see(Type::address, all, {shape, bit(kAddress), false, false});
  }

  void mac_address(uint32_t begin) {
    if (!sight_.wants(Type::mac_address)) return;
    char separator = sight_.at(begin + 2);
    if (separator != ':' && separator != '-') return;
    for (uint32_t i = 0; i < 17; ++i) {
      char c = to_lower(sight_.at(begin + i));
      bool hex = is_digit(c) || (c >= 'a' && c <= 'f');
      if (i % 3 == 2 ? c != separator : !hex) return;
    }
    if (is_alnum(sight_.at(begin + 17)) || sight_.at(begin + 17) == separator) return;
    sight_.see(Type::mac_address, {begin, begin + 17}, {0.8F, 0, false, false});
  }

  /// Digits that letters stand before: diagnoses, IBAN, DEA and national insurance numbers.
  void after_letters() {
    uint32_t begin = group(0).begin, letters = 0;
    while (letters < 3 && is_letter(sight_.before(begin - letters))) ++letters;
    if (letters == 0 || letters > 2) return;
    char outside = sight_.before(begin - letters);
    if (is_alnum(outside) || outside == '_') return;
    if (letters == 1) {
      diagnosis(begin - 1);
      return;
    }
    iban_at(begin - 2);
    registration(begin - 2);
    insurance_gb(begin - 2);
    mac_address(begin - 2);
  }

  /// Letter, two characters, a dot and one to four more; without the dot something must say so.
  void diagnosis(uint32_t begin) {
    if (!sight_.wants(Type::icd10)) return;
    char outside = sight_.before(begin);
    if (outside == '-' || outside == '.' || outside == '/' || outside == '#') return;
    std::array<char, 7> code{};
    size_t size = 0;
    uint32_t i = begin;
    bool lower = is_lower(sight_.at(begin)), dotted = false;
    for (; size < code.size(); ++i) {
      char c = sight_.at(i);
      if (size == 3 && c == '.' && !dotted && is_alnum(sight_.at(i + 1))) {
        dotted = true;
        continue;
      }
      if (!is_alnum(c)) break;
      code[size++] = is_lower(c) ? static_cast<char>(c - 32) : c;
    }
    if (is_alnum(sight_.at(i)) || sight_.at(i) == '_' || !icd10({code.data(), size})) return;
    if ((sight_.at(i) == '-' || sight_.at(i) == '.' || sight_.at(i) == '/') && is_alnum(sight_.at(i + 1))) return;
    for (size_t k = 5; k < size; ++k)  // the sixth and seventh are digits, or letters where they extend
      if (!is_alnum(code[k])) return;
    // Claims write codes without their dot; so are parts and rooms numbered.
    bool flat = size > 3 && !dotted;
    if (flat && ((sight_.node_of(begin).context | sight_.near({begin, i})) & bit(kDiagnosis)) == 0) return;
    float shape = dotted ? (lower ? 0.45F : 0.62F) : lower ? 0.3F : 0.45F;
    sight_.see(Type::icd10, {begin, i}, {shape, bit(kDiagnosis), false, true});
  }

  void iban_at(uint32_t begin) {
    if (!sight_.wants(Type::iban)) return;
    std::array<char, 34> code{};
    size_t size = 0;
    uint32_t end = begin;
    Span best;
    for (uint32_t i = begin; size < code.size(); ++i) {
      char c = sight_.at(i);
      if ((c == ' ' || c == '-') && is_alnum(sight_.at(i + 1)) && size >= 4) continue;
      if (!is_alnum(c)) break;
      code[size++] = is_lower(c) ? static_cast<char>(c - 32) : c;
      end = i + 1;
      if (size >= 15 && !is_alnum(sight_.at(end)) && iban({code.data(), size})) best = {begin, end};
    }
    if (best.size() > 0) sight_.see(Type::iban, best, {0.6F, bit(kIban), true, false});
  }

  /// DEA: the kind of registrant, a letter of the name, seven digits.
  void registration(uint32_t begin) {
    constexpr std::string_view kKinds = "ABCDEFGHJKLMPRSTUX";
    if (group(0).size != 7 || is_alnum(sight_.at(group(0).end()))) return;
    char kind = sight_.at(begin);
    if (kKinds.find(kind) == std::string_view::npos || !is_upper(sight_.at(begin + 1)) || !dea(digits(1).view()))
      return;
    sight_.see(Type::dea, {begin, group(0).end()}, {0.5F, bit(kDea), false, true});
  }

  void insurance_gb(uint32_t begin) {
    if (!sight_.wants(Type::uk_nino)) return;
    std::array<char, 9> code{};
    size_t size = 0;
    uint32_t i = begin;
    for (; size < code.size(); ++i) {
      char c = sight_.at(i);
      if (c == ' ' && size > 0) continue;
      if (!is_alnum(c)) return;
      code[size++] = is_lower(c) ? static_cast<char>(c - 32) : c;
    }
    if (is_alnum(sight_.at(i)) || !nino({code.data(), size})) return;
    sight_.see(Type::uk_nino, {begin, i}, {0.65F, bit(kNino), false, false});
  }

  Sight& sight_;
  const std::vector<DigitGroup>& groups_;
  size_t first_ = 0;
};

}  // namespace

void detect_numbers(Sight& sight, std::vector<DigitGroup>& groups) {
  DigitGroups chains(sight.text(), groups);
  while (chains.next()) {
    Chain chain(sight, chains.groups());
    for (size_t i = 0; i < chains.groups().size() && !sight.is_spent(); ++i) chain.look_at(i);
    sight.spend(chains.groups().size() * kStepsOfGroup);
  }
}

}  // namespace mas::dlp
