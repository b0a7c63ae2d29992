// Numbers by their shape: every chain of digit groups, and every place in it where something may begin.
#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"
#include "daemons/gatewayd/dlp/detect/digit_groups.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kStepsOfGroup = 8;

/// Three, two and four digits. Only hyphens tell them from the columns of a table or a log line.
void see_social_security(const DigitGroupChain& chain) {
  if (!chain.uniform(3) || !chain.stands_alone(3)) return;
  Sight& sight = chain.sight();
  auto number = chain.digits(3);
  Span all = chain.span(3);
  std::string_view gap = chain.gap(0);
  float shape = gap == "-" ? 0.7F : gap == "/" ? 0.4F : 0.51F;
  bool of_person = ssn(number.view()), of_taxpayer = itin(number.view());
  bool against = (of_person || of_taxpayer) && is_key_against(sight, all);
  if (of_person) sight.see(Type::ssn, all, {shape, against ? 0 : bits(kSsn, kTax), false, true});
  if (of_taxpayer) sight.see(Type::itin, all, {shape, against ? 0 : bits(kTax, kSsn), false, true});
}

void see_three_threes(const DigitGroupChain& chain) {
  if (!chain.uniform(3) || !chain.stands_alone(3)) return;
  Sight& sight = chain.sight();
  auto number = chain.digits(3);
  bool sin = luhn(number.view()) && number.bytes[0] != '0' && number.bytes[0] != '8';
  if (sin) sight.see(Type::ca_sin, chain.span(3), {chain.among_columns(3) ? 0.45F : 0.62F, bit(kSin), false, true});
  if (ssn(number.view())) sight.see(Type::ssn, chain.span(3), {0.3F, bit(kSsn), false, true});
}

void see_nine_in_groups(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  if (chain.sizes(3, 2, 4)) see_social_security(chain);
  if (chain.sizes(3, 3, 3)) see_three_threes(chain);
  bool one_by_one = chain.at_start() && chain.sizes(1, 1, 1, 1, 1, 1, 1, 1, 1) && !chain.has(9) && chain.uniform(9);
  if (one_by_one && ssn(chain.digits(9).view())) sight.see(Type::ssn, chain.span(9), {0.3F, bit(kSsn), false, true});
  if (chain.sizes(2, 7) && chain.uniform(2) && chain.stands_alone(2) && ssn(chain.digits(2).view()))
    sight.see(Type::ssn, chain.span(2), {0.3F, bit(kSsn), false, true});
}

void see_ten_and_twelve_in_groups(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  if (chain.sizes(3, 3, 4) && chain.gap_is(0, ' ') && chain.uniform(3) && chain.stands_alone(3) &&
      nhs(chain.digits(3).view()))
    sight.see(Type::uk_nhs, chain.span(3), {chain.among_columns(3) ? 0.45F : 0.62F, bit(kNhs), false, true});
  if (chain.sizes(4, 4, 4) && chain.first_digit() >= '2' && chain.uniform(3) && chain.stands_alone(3) &&
      verhoeff(chain.digits(3).view()))
    sight.see(Type::in_aadhaar, chain.span(3), {chain.among_columns(3) ? 0.45F : 0.65F, bit(kAadhaar), false, true});
}

/// Routing numbers and provider identifiers in groups of any size, where something says what they are.
void see_named_in_groups(const DigitGroupChain& chain) {
  constexpr size_t kMaxGroups = 5;
  Sight& sight = chain.sight();
  size_t total = chain.size_of(0);
  for (size_t n = 2; n <= kMaxGroups && chain.has(n - 1) && total < 10; ++n) {
    total += chain.size_of(n - 1);
    if ((total != 9 && total != 10) || !chain.uniform(n) || !chain.stands_alone(n)) continue;
    auto number = chain.digits(n);
    bool routing = aba(number.view()), provider = npi(number.view());
    if (!routing && !provider) continue;
    Span all = chain.span(n);
    ContextMask said = sight.near(all) | sight.node_of(all.begin).context;
    if (routing && (said & bit(kRouting)) != 0) sight.see(Type::bank_routing, all, {0.42F, bit(kRouting), false, true});
    if (provider && (said & bit(kNpi)) != 0) sight.see(Type::npi, all, {0.42F, bit(kNpi), false, true});
  }
}

/// IANA, "IPv4 Special-Purpose Address Registry" (RFC 6890), and multicast.
bool is_reserved(const std::array<int, 4>& ip) {
  auto [a, b, c, d] = ip;
  return a == 0 || a == 10 || a == 127 || a >= 224 || (a == 100 && b >= 64 && b < 128) || (a == 169 && b == 254) ||
         (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 192 && b == 0 && (c == 0 || c == 2)) ||
         (a == 198 && (b == 18 || b == 19)) || (a == 198 && b == 51 && c == 100) || (a == 203 && b == 0 && c == 113);
}

void see_ip_address(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  if (!chain.has(3) || !chain.gap_is(0, '.') || !sight.wants(Type::ip_address)) return;
  std::array<int, 4> octets{};
  for (size_t i = 0; i < 4; ++i) {
    const DigitGroup& group = chain.group(i);
    if (i < 3 && chain.gap(i) != ".") return;
    if (group.size > 3 || (group.size > 1 && sight.at(group.begin) == '0')) return;
    for (uint32_t k = 0; k < group.size; ++k) octets[i] = octets[i] * 10 + (sight.at(group.begin + k) - '0');
    if (octets[i] > 255) return;
  }
  if (!chain.stands_alone(4) || is_reserved(octets)) return;
  sight.see(Type::ip_address, chain.span(4), {0.7F, 0, false, false});
}

/// AB 12 34 56 C
void see_spaced_national_insurance(const DigitGroupChain& chain) {
  constexpr uint32_t kLetters = 3;  // two, and a space
  const Sight& sight = chain.sight();
  uint32_t begin = chain.group(0).begin;
  if (chain.before() != ' ' || begin < kLetters || !is_letter(sight.at(begin - 2))) return;
  if (!is_alnum(sight.before(begin - kLetters))) see_national_insurance(chain, begin - kLetters);
}

/// Numbers of several groups. None is asked for that has more digits than there are.
void see_groups(const DigitGroupChain& chain) {
  uint32_t ahead = chain.digits_ahead();
  if (ahead >= 9) see_nine_in_groups(chain);
  if (ahead >= 13) see_grouped_card(chain);
  if (ahead >= 7) see_phone_in_groups(chain);
  if (ahead >= 10) see_ten_and_twelve_in_groups(chain);
  if (ahead >= 9) see_named_in_groups(chain);
  see_ip_address(chain);
  see_spaced_national_insurance(chain);
}

/// Whether the key of a number that is no card is against it, and does not name what it could be. Its form is worth so
/// little that no words around it make up for that (Sight::see).
bool is_refuted(const DigitGroupChain& chain) {
  constexpr ContextMask kKinds = bits(kSsn, kTax, kRouting, kSin, kNpi, kNhs, kAadhaar, kPhone);
  Sight& sight = chain.sight();
  if (may_be_bare_card(chain) || sight.explains()) return false;
  ContextMask says = sight.node_of(chain.group(0).begin).context;
  return (says & bit(kNegative)) != 0 && (says & kKinds) == 0;
}

/// One group: what it is, only its check digits or what stands around can say.
void see_bare(const DigitGroupChain& chain) {
  constexpr uint32_t kLongest = 19;  // cards
  uint32_t size = chain.size_of(0);
  if (size < DigitGroups::kShortest || size > kLongest) return;
  Sight& sight = chain.sight();
  if (is_refuted(chain)) return;
  if (chain.has(1)) {
    std::string_view gap = chain.gap(0);
    if (gap.size() == 1 && gap != " " && gap != ")" && gap != "(") return;
  }
  if (!chain.stands_alone(1)) return;
  auto number = chain.digits(1);
  std::string_view view = number.view();
  Span all = chain.span(1);
  switch (size) {
    case 9:
      if (ssn(view)) sight.see(Type::ssn, all, {0.4F, is_key_against(sight, all) ? 0 : bit(kSsn), false, true});
      if (itin(view)) sight.see(Type::itin, all, {0.4F, bits(kTax, kSsn), false, true});
      if (aba(view)) sight.see(Type::bank_routing, all, {0.4F, bit(kRouting), false, true});
      if (luhn(view)) sight.see(Type::ca_sin, all, {0.35F, bit(kSin), false, true});
      break;
    case 10:
      if (npi(view)) sight.see(Type::npi, all, {0.42F, bit(kNpi), false, true});
      if (nhs(view)) sight.see(Type::uk_nhs, all, {0.42F, bit(kNhs), false, true});
      break;
    case 12:
      if (view[0] >= '2' && verhoeff(view)) sight.see(Type::in_aadhaar, all, {0.4F, bit(kAadhaar), false, true});
      break;
    default:
      see_bare_card(chain);
  }
  see_bare_phone(chain);
}

/// Whether words of a street may stand beside the number: what stands directly beside it is no other number.
bool may_be_of_street(const DigitGroupChain& chain) {
  char after = chain.after(0);
  if (chain.before() == ' ') return true;
  if (is_letter(after) || after == ',') return chain.sight().at(chain.group(0).end() + 1) == ' ';  // 221B Baker Street
  bool number_behind = chain.has(1) && chain.gap_is(0, ' ') && !is_letter(chain.after(1)) && chain.after(1) != '\'' &&
                       !is_high(chain.after(1));
  return after == ' ' && !number_behind;
}

/// What begins with one group of a chain: the bytes to either side of it say what may.
void look_at(const DigitGroupChain& chain, bool packs) {
  char before = chain.before(), after = chain.after(0);
  if ((before | after) == '\0') {  // a value of digits alone: nothing that takes more beside it is there
    see_bare(chain);
    if (packs) see_pack_numbers(chain);
    return;
  }
  if (chain.within_single_digits()) return;
  if (before == '+') see_phone_with_country(chain);
  if (is_letter(before)) return see_after_letters(chain);
  if (before == '_') return;
  if (chain.has(1)) see_groups(chain);
  see_bare(chain);
  if (packs) see_pack_numbers(chain);
  if (is_letter(after) || after == '-' || after == ':') see_lettered(chain);
  if (may_be_of_street(chain)) see_street_address(chain);
}

}  // namespace

void detect_numbers(Sight& sight, std::vector<DigitGroup>& groups) {
  constexpr size_t kOctets = 4;
  bool packs = wants_packs(sight), ip_addresses = sight.wants(Type::ip_address);
  if (packs) see_pack_codes(sight);
  DigitGroups chains(sight.text(), sight.classes(), groups);
  while (chains.next()) {
    bool octets = ip_addresses && chains.groups().size() >= kOctets;
    if (!octets && !chains.may_hold_number()) {
      sight.spend(chains.groups().size());
      continue;
    }
    DigitGroupChain chain(sight, chains.groups());
    uint32_t ahead = chains.digits();
    for (size_t i = 0; i < chains.groups().size() && !sight.is_spent(); ++i) {
      chain.begin_at(i, ahead);
      look_at(chain, packs);
      ahead -= chain.size_of(0);
    }
    sight.spend(chains.groups().size() * kStepsOfGroup);
  }
}

}  // namespace mas::dlp
