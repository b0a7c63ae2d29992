// Payment cards: the issuer's range, its length, Luhn's digit, and a form or words that say that it is a card.
//
// One random number of sixteen digits in 27 has an issuer's range and a right check digit. Digits alone are therefore a
// card only where something says so; the groups that are printed on cards say it, unless they are cells of a table.
#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kShortest = 13, kLongest = 19;
constexpr ContextMask kSaysCard = bits(kCard, kCvv);
constexpr float kByForm = 0.62F;     // acts by itself
constexpr float kByContext = 0.50F;  // acts with a key or a word

/// ISO/IEC 7812: no issuer's range begins with another digit (card_issuer).
bool may_begin_card(char digit) { return digit != '0' && digit != '1' && digit != '7' && digit != '9'; }
bool is_card(std::string_view digits) { return card_issuer(digits) && luhn(digits); }

/// Whether a month and a year follow, as 05/28, 05-2028 or 05/2028: the end of a card's validity.
bool expiry_follows(const Sight& sight, uint32_t end) {
  constexpr uint32_t kReach = 24;  // bytes, in which "exp.", "valid thru" and a line break have room
  for (uint32_t i = end; i < end + kReach; ++i) {
    if (!is_digit(sight.at(i))) continue;
    char tens = sight.at(i), ones = sight.at(i + 1), separator = sight.at(i + 2);
    bool month = (tens == '0' && ones >= '1' && ones <= '9') || (tens == '1' && ones >= '0' && ones <= '2');
    if (!month || (separator != '/' && separator != '-')) return false;
    uint32_t year = i + 3, size = 0;
    while (size < 5 && is_digit(sight.at(year + size))) ++size;
    char after = sight.at(year + size);
    bool of_century = size == 2 && sight.at(year) >= '2' && sight.at(year) <= '4';
    bool full = size == 4 && sight.at(year) == '2' && sight.at(year + 1) == '0';
    return (of_century || full) && after != separator && !is_alnum(after);
  }
  return false;
}

/// A text that is nothing but `4256…`: somebody answers with the number and marks it as such.
bool is_marked_alone(const Sight& sight, const Node& node, Span number) {
  return sight.before(number.begin) == '`' && sight.at(number.end) == '`' &&
         node.text == Span{number.begin - 1, number.end + 1};
}

/// ISO/IEC 7813, track 2 of a magnetic stripe: ;PAN=YYMM…
bool is_track(const Sight& sight, Span number) {
  if (sight.before(number.begin) != ';' || sight.at(number.end) != '=') return false;
  for (uint32_t i = 1; i <= 4; ++i)
    if (!is_digit(sight.at(number.end + i))) return false;
  return true;
}

/// Whether the digits at `begin`, of the same form as `own`, are a card: a list of cards is no table of measurements.
bool is_card_at(const Sight& sight, uint32_t begin, Span own) {
  Digits number;
  for (uint32_t i = 0; i < own.size() && number.size < kLongest; ++i)
    if (char c = sight.at(begin + i); is_digit(c)) number.bytes[number.size++] = c;
  return is_card(number.view());
}

/// Whether the groups are a row or a part of a row of numbers.
bool is_in_table(const DigitGroupChain& chain, size_t n) {
  if (!chain.among_columns(n)) return false;
  const Sight& sight = chain.sight();
  auto none = static_cast<uint32_t>(sight.text().size());
  bool card_beside = false;
  for (uint32_t row : {chain.row_above(n), chain.row_below(n)}) {
    if (row == none) continue;
    if (!is_card_at(sight, row, chain.span(n))) return true;
    card_beside = true;
  }
  return !card_beside;
}

bool is_printed_form(const DigitGroupChain& chain, size_t n) {
  switch (n) {
    case 3:
      return chain.sizes(4, 6, 5) || chain.sizes(4, 6, 4);
    case 4:
      return chain.sizes(4, 4, 4, 4);
    case 5:
      return chain.sizes(4, 4, 4, 4, 3);
    case 16:
      return chain.at_start() && !chain.has(16);  // one by one, and nothing else
    default:
      return false;
  }
}

void see_group(const DigitGroupChain& chain, size_t n, bool uniform) {
  Sight& sight = chain.sight();
  Span all = chain.span(n);
  ContextMask wanted = is_key_against(sight, all) ? 0 : kSaysCard;
  std::string_view gap = chain.gap(0);
  bool printed = uniform && (gap == " " || gap == "-" || gap == " - ") && is_printed_form(chain, n);
  bool acts = printed && (expiry_follows(sight, all.end) || !is_in_table(chain, n));
  sight.see(Type::credit_card, all, {acts ? kByForm : kByContext, wanted, acts, !acts});
}

}  // namespace

void see_grouped_card(const DigitGroupChain& chain) {
  if (chain.digits_ahead() < kShortest || !may_begin_card(chain.first_digit())) return;
  if (!chain.sight().wants(Type::credit_card)) return;
  size_t total = chain.size_of(0);
  for (size_t n = 2; n <= kLongest && chain.has(n - 1); ++n) {
    if (chain.gap(n - 2).find_first_of("()/") != std::string_view::npos) return;
    total += chain.size_of(n - 1);
    if (total > kLongest) return;
    if (total < kShortest || !chain.stands_alone(n) || !is_card(chain.digits(n).view())) continue;
    return see_group(chain, n, chain.uniform(n));
  }
}

bool may_be_bare_card(const DigitGroupChain& chain) {
  return chain.size_of(0) >= kShortest && chain.size_of(0) <= kLongest && may_begin_card(chain.first_digit());
}

void see_bare_card(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  if (!may_be_bare_card(chain)) return;
  if (!sight.wants(Type::credit_card)) return;
  if (!is_card(chain.digits(1).view())) return;
  Span all = chain.span(1);
  if (is_track(sight, all)) {
    sight.see(Type::credit_card, all, {kByForm, kSaysCard, true, false});
    return;
  }
  ContextMask near = sight.near(all);
  bool paid = (near & bit(kPayment)) != 0 && (near & bit(kNegative)) == 0;
  bool against = is_key_against(sight, all);
  const Node& node = sight.node_of(all.begin);
  bool said = !against && node.kind != Node::Kind::kNumber &&
              (paid || expiry_follows(sight, all.end) || is_marked_alone(sight, node, all));
  ContextMask wanted = against ? 0 : kSaysCard;
  sight.see(Type::credit_card, all, {said ? kByForm : kByContext, wanted, false, true});
}

}  // namespace mas::dlp
