// Data that is told by its name: the key of a value, or the head of its column.
#include <algorithm>
#include <array>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/columns.h"
#include "daemons/gatewayd/dlp/detect/dates.h"
#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/kinds.h"
#include "daemons/gatewayd/dlp/detect/labels.h"
#include "daemons/gatewayd/dlp/detect/logins.h"
#include "daemons/gatewayd/dlp/detect/manifests.h"
#include "daemons/gatewayd/dlp/detect/named_in_text.h"
#include "daemons/gatewayd/dlp/detect/neighbours.h"
#include "daemons/gatewayd/dlp/detect/result_sets.h"
#include "daemons/gatewayd/dlp/detect/secret_values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr size_t kStepsOfNeighbours = 24;  // about: most are of another kind than they look for
constexpr float kInColumn = 0.65F;         // as if the words stood beside it

/// A value's own text without the white space around it.
Span trimmed(std::string_view text, Span span) {
  while (span.begin < span.end && is_space(text[span.begin])) ++span.begin;
  while (span.end > span.begin && is_space(text[span.end - 1])) --span.end;
  return span;
}

/// Whether an ambiguous name of a number has its second sign. @param beside what stands beside it.
bool is_supported(Context context, ContextMask says, ContextMask beside, std::string_view number) {
  if ((says & bit(kWeak)) != 0) return (beside & supporters(context)) != 0;
  return !is_short_of_insurance(context, number) || ((says | beside) & bit(kMedical)) != 0;
}

/// `token` among the pages of a list, or the words of a text, is no secret.
bool is_of_list(ContextMask says, ContextMask beside) {
  return (says & kOfSecrets) == bit(kSecret) && (beside & bits(kPaging, kPublic)) != 0;
}

void see_secret_by_key(Sight& sight, const Node& node, Span span, ContextMask beside) {
  Naming naming;
  naming.says = node.context;
  naming.how = (node.own & kNamedContexts) != 0 || (node.own & bit(kPlain)) != 0 ? Named::kByKey : Named::kInObject;
  naming.number = node.kind == Node::Kind::kNumber;
  naming.quoted = true;
  naming.login = (beside & bit(kLogin)) != 0;
  naming.shape = kNamed;
  if (!is_of_list(node.context, beside)) see_secret(sight, span, naming);
}

void see_by_key(Sight& sight, const Node& node, uint32_t number) {
  if (sight.is_spent()) return;
  Span span = trimmed(sight.text(), node.text);
  std::string_view value = sight.view(span);
  if (value.empty()) return;
  bool asks = (node.context & bits(kWeak, kSecret, kInsurance)) != 0;
  ContextMask beside = asks ? neighbours_of(sight.document(), number) : 0;
  if (asks) sight.spend(kStepsOfNeighbours);
  if ((node.context & kOfSecrets) != 0) see_secret_by_key(sight, node, span, beside);
  for (const Kind& kind : kKinds) {
    if ((node.context & bit(kind.context)) == 0 || !is_supported(kind.context, node.context, beside, value)) continue;
    size_t size = kind.read(value);
    bool birth = kind.context == kBirth;  // what follows a date may be a time
    if (size == 0 || (size != value.size() && (!birth || is_alnum(value[size])) && !(birth && value[size] == 'T')))
      continue;
    sight.see(kind.type, {span.begin, span.begin + static_cast<uint32_t>(size)},
              {kNamed, bit(kind.context), false, false});
  }
}

/// @param beside what the other columns say. @param quoted the values of a statement of SQL.
void see_in_column(Sight& sight, Span span, ContextMask context, ContextMask beside, bool quoted) {
  std::string_view value = sight.view(span);
  if (value.empty()) return;
  if ((context & kOfSecrets) != 0) {
    Naming naming;
    naming.says = context;
    naming.how = quoted ? Named::kBySign : Named::kByVerb;
    naming.quoted = quoted;
    naming.login = (beside & bit(kLogin)) != 0;
    naming.shape = kInColumn;
    see_secret(sight, span, naming);
  }
  for (const Kind& kind : kKinds)
    if ((context & bit(kind.context)) != 0 && is_supported(kind.context, context, beside, value) &&
        kind.read(value) == value.size())
      sight.see(kind.type, span, {kInColumn, bit(kind.context), false, false});
  if ((context & bit(kSsn)) != 0 && value.size() == 9 && count_digits(value) == 9 && ssn(value))
    sight.see(Type::ssn, span, {kInColumn, bit(kSsn), false, false});
}

/// @return where reading went on to.
uint32_t see_columns(Sight& sight, Columns& columns, uint32_t at) {
  if (!columns.find(sight.text(), at)) return columns.end();
  std::array<ContextMask, Columns::kMax> says{};
  ContextMask any = 0, beside = 0;
  for (size_t i = 0; i < columns.count(); ++i) {
    ContextMask mask = read_key(sight.view(columns.name(i)));
    says[i] = (mask & kAgainst) == 0 ? mask & (kNamedContexts | bits(kSsn, kWeak)) : 0;
    any |= says[i] & ~bit(kWeak);
    beside |= (mask & bit(kWeak)) == 0 ? mask : 0;
  }
  while (any != 0 && columns.next())
    for (size_t i = 0; i < columns.count(); ++i)
      if (says[i] != 0) see_in_column(sight, columns.value(i), says[i], beside, columns.is_statement());
  return columns.end();
}

void detect_in_columns(Sight& sight) {
  auto may_be_name = [](const Word& word) { return (bit(word.context) & (kNamedContexts | bit(kSsn))) != 0; };
  if (std::ranges::none_of(sight.words(), may_be_name)) return;  // as in most messages: a table is large
  Columns columns;
  uint32_t read = 0;  // up to here
  for (const Word& word : sight.words()) {
    if (sight.is_spent()) return;
    if (!may_be_name(word) || word.span.begin < read) continue;
    read = std::max(see_columns(sight, columns, word.span.begin), word.span.end);
  }
}

void detect_in_rows(Sight& sight) {
  for_each_cell(sight.document(), [&sight](const Node& node, ContextMask says, ContextMask beside) {
    if ((says & kAgainst) != 0 || (says & (kNamedContexts | bit(kSsn))) == 0 || node.text.size() == 0) return;
    if ((says & kOfSecrets) != 0 && node.kind == Node::Kind::kNumber) return;
    see_in_column(sight, trimmed(sight.text(), node.text), says, beside, false);
  });
}

/// ["--api-key", "…"]: arguments of a program.
void see_argument(Sight& sight, const Node& option, const Node& value) {
  constexpr uint32_t kLongestOption = 48;
  if (option.kind != Node::Kind::kString) return;
  std::string_view name = sight.document().text_of(option);
  if (!name.starts_with("--") || name.size() > kLongestOption) return;
  if (value.kind != Node::Kind::kString || value.container != option.container || value.index != option.index + 1)
    return;
  Naming naming;
  naming.says = read_key(name);
  if ((naming.says & kOfSecrets) == 0 || (naming.says & kAgainst) != 0 || value.text.size() == 0) return;
  if (sight.at(value.text.begin) == '-') return;
  naming.how = Named::kBySign;
  naming.quoted = true;
  naming.shape = kInColumn;
  see_secret(sight, trimmed(sight.text(), value.text), naming);
}

}  // namespace

void detect_by_keys(Sight& sight) {
  const Document& document = sight.document();
  const auto& nodes = document.nodes();
  bool arguments = !document.containers().empty() && sight.text().find("--") != std::string_view::npos;
  bool named = (document.contexts() & kNamedContexts) != 0;
  for (uint32_t i = 0; (arguments || named) && i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    if (arguments && node.key == kNowhere && i + 1 < nodes.size()) see_argument(sight, node, nodes[i + 1]);
    if (node.kind == Node::Kind::kKey || (node.context & kNamedContexts) == 0 || (node.context & kAgainst) != 0)
      continue;
    if (node.text.size() > 0) see_by_key(sight, node, i);
  }
  if (document.has_key(kAnswerKey)) detect_labelled(sight);
  if (document.has_key(kKindKey)) detect_in_objects(sight);
  if (document.has_key(kColumnsKey)) detect_in_rows(sight);
}

void detect_after_words(Sight& sight) {
  detect_in_columns(sight);
  detect_in_yaml(sight);
  detect_logins(sight);
  detect_named_in_text(sight);
}

}  // namespace mas::dlp
