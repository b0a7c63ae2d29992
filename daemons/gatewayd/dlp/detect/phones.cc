// Telephone numbers: the North American form, E.164 with a plus, and national forms by their plans.
//
// North American forms and the plus tell a number by themselves. National forms (030 1234567, 06 12 34 56 78) are
// digits in groups like any others: a key or a word must say so.
#include <algorithm>
#include <array>
#include <optional>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/digit_group_chain.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kLongestE164 = 15;   // digits, with the country's code
constexpr uint32_t kWidestWord = 14;  // bytes of ", extension: "

struct Plan {
  uint16_t code;
  std::string_view trunk;
  uint8_t least, most;
};
constexpr Plan kPlans[] = {
#define MAS_DLP_PHONE_PLAN(code, trunk, least, most) {code, trunk, least, most},
#include "daemons/gatewayd/dlp/detect/phone_plans.def"
};

/// Assigned codes that have no plan above (ITU-T E.164): those of two digits, and those of three by their last digits.
constexpr std::string_view kTwoDigits[] = {"53", "58", "93", "94", "95"};
struct ThreeDigits {
  std::string_view first, last;
};
constexpr ThreeDigits kThreeDigits[] = {
    {"21", "12368"},      {"22", "0123456789"}, {"23", "0123456789"}, {"24", "0123456789"}, {"25", "012345678"},
    {"26", "0123456789"}, {"29", "01789"},      {"35", "0123456789"}, {"37", "012345678"},  {"38", "01235679"},
    {"42", "013"},        {"50", "0123456789"}, {"59", "0123456789"}, {"67", "023456789"},  {"68", "012356789"},
    {"69", "012"},        {"80", "08"},         {"85", "02356"},      {"87", "08"},         {"88", "012368"},
    {"96", "012345678"},  {"97", "012345679"},  {"99", "234568"}};

bool is_assigned(std::string_view digits) {
  auto two = digits.substr(0, 2);
  return std::find(std::begin(kTwoDigits), std::end(kTwoDigits), two) != std::end(kTwoDigits) ||
         std::any_of(std::begin(kThreeDigits), std::end(kThreeDigits), [&](const ThreeDigits& one) {
           return one.first == two && one.last.find(digits[2]) != std::string_view::npos;
         });
}

/// Whether `digits`, behind a plus, begin with an assigned code and are as long as its plan has them. One digit more is
/// the trunk prefix that people write in parentheses: +44 (0) 20.
bool is_international(std::string_view digits) {
  for (const Plan& plan : kPlans) {
    std::string code = std::to_string(plan.code);
    if (!digits.starts_with(code)) continue;
    std::string_view rest = digits.substr(code.size());
    if (plan.code == 1) return rest.size() == 10 && nanp(rest);
    bool trunk = !plan.trunk.empty() && rest.starts_with(plan.trunk);
    return rest.size() >= plan.least && rest.size() <= plan.most + (trunk ? plan.trunk.size() : 0);
  }
  return digits.size() >= 7 && is_assigned(digits);
}

/// Which numbers of digits are national somewhere: without a trunk prefix, and with one, by the first digit.
struct NationalSizes {
  std::array<bool, Digits::kMax + 1> bare{};
  std::array<std::array<bool, Digits::kMax + 1>, 10> with_trunk{};
};
constexpr NationalSizes kNationalSizes = [] {
  NationalSizes sizes;
  for (const Plan& plan : kPlans) {
    if (plan.code == 1) continue;
    for (size_t size = plan.least; size <= plan.most; ++size)
      if (plan.trunk.empty())
        sizes.bare[size] = true;
      else
        sizes.with_trunk[static_cast<size_t>(plan.trunk[0] - '0')][size + plan.trunk.size()] = true;
  }
  return sizes;
}();

/// Whether any plan has numbers of `size` digits behind a trunk prefix that begins with `first`.
bool has_trunk_size(char first, size_t size) {
  return kNationalSizes.with_trunk[static_cast<size_t>(first - '0')][size];
}

/// Whether `digits` are a national number. @param trunk whether it begins with the prefix of its plan, which few other
/// numbers do.
bool is_national(std::string_view digits, bool trunk) {
  if (!trunk) return kNationalSizes.bare[digits.size()];
  if (!has_trunk_size(digits[0], digits.size())) return false;
  return std::any_of(std::begin(kPlans), std::end(kPlans), [&](const Plan& plan) {
    if (plan.code == 1 || plan.trunk.empty() || !digits.starts_with(plan.trunk)) return false;
    size_t size = digits.size() - plan.trunk.size();
    return size >= plan.least && size <= plan.most;
  });
}

/// @return the end of an extension that follows a number, "x123", "ext. 123", ", extension 12", ";ext=5" (RFC 3966),
/// "#12";
/// `end` where there is none.
uint32_t extension_end(const Sight& sight, uint32_t end) {
  constexpr std::string_view kWords[] = {"extension", "extn", "ext", "durchwahl", "anexo", "ramal", "poste", "x", "#"};
  constexpr uint32_t kMaxDigits = 6;
  uint32_t i = end;
  while (i - end < 3 && (sight.at(i) == ' ' || sight.at(i) == ',' || sight.at(i) == ';' || sight.at(i) == '(')) ++i;
  constexpr std::string_view kBegins = "edarpx#";  // of the words
  if (kBegins.find(to_lower(sight.at(i))) == std::string_view::npos) return end;
  for (std::string_view word : kWords) {
    Span here{i, std::min(i + static_cast<uint32_t>(word.size()), static_cast<uint32_t>(sight.text().size()))};
    if (!equals_word(sight.view(here), word)) continue;
    uint32_t digits = here.end;
    while (digits - end < kWidestWord + 3 &&
           std::string_view(" .:=").find(sight.at(digits)) != std::string_view::npos && sight.at(digits) != '\0')
      ++digits;
    uint32_t last = digits;
    while (last - digits <= kMaxDigits && is_digit(sight.at(last))) ++last;
    bool fits = last > digits && last - digits <= kMaxDigits && !is_alnum(sight.at(last));
    return fits ? last : end;
  }
  return end;
}

/// @return where the parenthesis before the number opens: "(800", "( 800".
std::optional<uint32_t> opening(const Sight& sight, uint32_t begin) {
  if (sight.before(begin) == '(') return begin - 1;
  if (begin >= 2 && sight.before(begin) == ' ' && sight.at(begin - 2) == '(') return begin - 2;
  return std::nullopt;
}

bool closes(std::string_view gap) { return gap.starts_with(')') || gap.starts_with(" )"); }

/// Whether the first `n` groups, and an extension, are no part of anything longer. @param ret_end where they end.
bool ends_clean(const DigitGroupChain& chain, size_t n, uint32_t& ret_end) {
  uint32_t end = chain.group(n - 1).end();
  ret_end = extension_end(chain.sight(), end);
  return ret_end > end || chain.stands_alone(n);
}

/// What a number of three, three and four digits is worth by its form. @param skip groups before it: the 1 of the
/// country.
float american_shape(const DigitGroupChain& chain, size_t skip, bool parenthesis, bool known) {
  std::string_view first = chain.gap(skip), second = chain.gap(skip + 1);
  if (parenthesis) return known ? 0.8F : 0.62F;  // nothing else is written so
  if (!known) return 0.4F;                       // 555-123-4567 and others that are made up
  bool spaced = first == second && (first == " - " || first == " . ");
  if (first != second || (first.size() != 1 && !spaced)) return 0.45F;
  if (first == "_" || first == "/") return 0.4F;
  if (skip == 1) return 0.62F;
  if (first != " ") return 0.65F;
  // With spaces alone it must be no row of a table, and no number of Britain's health service.
  bool whole = chain.at_start() && !chain.has(3) && !chain.among_columns(3);
  return whole && !nhs(chain.digits(3).view()) ? 0.6F : 0.45F;
}

/// (415) 555-2671, 415-555-2671, 1.415.555.2671. @return whether it has that form.
bool see_american(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  size_t skip = chain.size_of(0) == 1 && sight.at(chain.group(0).begin) == '1' ? 1 : 0;
  if (chain.size_of(skip) != 3 || chain.size_of(skip + 1) != 3 || chain.size_of(skip + 2) != 4) return false;
  auto open = opening(sight, chain.group(skip).begin);
  bool parenthesis = open && closes(chain.gap(skip));
  std::string_view gap = chain.gap(skip), next = chain.gap(skip + 1);
  bool tight = gap.size() <= 2 || gap == " - " || gap == " . ";
  bool plain = next.find_first_of("()") == std::string_view::npos && (tight || parenthesis);
  if (!plain || sight.at(chain.group(skip).begin) < '2') return true;
  uint32_t end = 0;
  if (!ends_clean(chain, skip + 3, end)) return true;
  auto number = chain.digits(skip + 3);
  float shape = american_shape(chain, skip, parenthesis, nanp(number.view().substr(skip)));
  Span all{skip == 0 && parenthesis ? *open : chain.group(0).begin, end};
  if (end > chain.group(skip + 2).end() && shape >= 0.4F) shape = std::max(shape, 0.62F);
  if (sight.before(all.begin) == '+') --all.begin;
  sight.see(Type::phone, all, {shape, is_key_against(sight, all) ? 0 : bit(kPhone), false, true});
  return true;
}

/// Groups without a country's code: by a key, or by a word and the plan of some country.
void see_national(const DigitGroupChain& chain) {
  constexpr size_t kMaxGroups = 6, kMaxDigits = 14;
  Sight& sight = chain.sight();
  size_t total = 0, n = 0;
  while (chain.has(n) && n < kMaxGroups && total + chain.size_of(n) <= kMaxDigits &&
         chain.gap(std::max<size_t>(n, 1) - 1).find("  ") == std::string_view::npos)
    total += chain.size_of(n++);
  uint32_t end = 0;
  if (n < 2 || total < 8 || chain.has(n) || !ends_clean(chain, n, end)) return;
  Span all{chain.group(0).begin, end};
  // 06 12 34 56 78 begins like a date, and is none: it goes on with the same separator.
  bool goes_on = n > 3 && chain.uniform(n) && chain.size_of(0) < 4;
  if (!goes_on && date_at(sight.view(all)) > 0) return;
  if (auto open = opening(sight, all.begin); open && closes(chain.gap(0))) all.begin = *open;
  auto number = chain.digits(n);
  bool trunk = is_national(number.view(), true);
  bool area = chain.size_of(0) == 2 && closes(chain.gap(0));  // (21) 3856-9315, without the prefix
  bool by_key = (sight.node_of(all.begin).context & bit(kPhone)) != 0 && !is_key_against(sight, all);
  bool known = trunk || (is_national(number.view(), false) && (chain.uniform(n) || area));
  bool by_words = known && (sight.near(all) & bit(kPhone)) != 0 && !chain.among_columns(n);
  if (!by_key && !by_words) return;
  sight.see(Type::phone, all, {trunk ? 0.51F : known ? 0.42F : 0.3F, bit(kPhone), false, true});
}

/// Whether "+" begins no number but a sum, or a line of a patch.
bool is_sign(const Sight& sight, uint32_t plus, bool grouped) {
  char before = sight.before(plus);
  if (is_alnum(before) || before == ')' || before == '+') return true;
  if (before == ' ' && plus >= 2 && is_digit(sight.at(plus - 2))) return true;
  return before == '\n' && !grouped;
}

}  // namespace

void see_phone_in_groups(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  if (!sight.wants(Type::phone) || see_american(chain)) return;
  bool seven = chain.sizes(3, 4) && chain.gap(0).size() == 1 && chain.stands_alone(2) && !chain.has(2);
  if (seven && sight.at(chain.group(0).begin) >= '2')
    sight.see(Type::phone, chain.span(2), {0.35F, bit(kPhone), false, true});
  else if (chain.at_start() && sight.before(chain.group(0).begin) != '+')
    see_national(chain);
}

void see_phone_with_country(const DigitGroupChain& chain) {
  constexpr size_t kMaxGroups = 7;
  Sight& sight = chain.sight();
  uint32_t begin = chain.group(0).begin;
  if (!sight.wants(Type::phone) || sight.before(begin) != '+' || sight.at(begin) == '0') return;
  size_t total = 0, n = 0;
  while (chain.has(n) && n < kMaxGroups && total + chain.size_of(n) <= kLongestE164 + 1) total += chain.size_of(n++);
  if (n == 0 || total < 7 || (chain.has(n) && n >= kMaxGroups) || is_sign(sight, begin - 1, n > 1)) return;
  // What follows may be another number: "+49 30 1234567 2 pieces".
  while (n > 1 && !is_international(chain.digits(n).view())) --n;
  uint32_t end = chain.group(n - 1).end();
  uint32_t extended = extension_end(sight, end);
  if (!is_international(chain.digits(n).view()) || (extended == end && is_alnum(sight.at(end)))) return;
  Span all{begin - 1, extended};
  if (begin >= 2 && sight.at(begin - 2) == '(' && n > 1 && closes(chain.gap(0))) --all.begin;
  sight.see(Type::phone, all, {0.7F, bit(kPhone), false, false});
}

void see_bare_phone(const DigitGroupChain& chain) {
  Sight& sight = chain.sight();
  uint32_t size = chain.size_of(0);
  Span all = chain.span(1);
  if (size < 8 || size > 13 || !sight.wants(Type::phone)) return;
  bool by_key =
      (sight.document().contexts() & bit(kPhone)) != 0 && (sight.node_of(all.begin).context & bit(kPhone)) != 0;
  if (!by_key && !(size == 10 || size == 11) && !has_trunk_size(chain.first_digit(), size)) return;
  auto number = chain.digits(1);
  std::string_view view = number.view();
  bool american = (size == 10 && nanp(view)) || (size == 11 && view[0] == '1' && nanp(view.substr(1)));
  // "tel: 0301234567": a word right before, and the prefix of a plan.
  float shape = american ? 0.4F : is_national(view, true) ? 0.42F : 0.3F;
  bool by_words = american || shape > 0.4F;
  if (!by_key && !(by_words && (sight.near(all) & bit(kPhone)) != 0)) return;
  if (!is_key_against(sight, all)) sight.see(Type::phone, all, {shape, bit(kPhone), false, true});
}

}  // namespace mas::dlp
