// Labels and questions.
#include "daemons/gatewayd/dlp/detect/labels.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/kinds.h"
#include "daemons/gatewayd/dlp/detect/secret_values.h"

namespace mas::dlp {
namespace {

using enum Context;

constexpr uint32_t kFarthest = 16;  // nodes to either side
constexpr size_t kLongestValue = 128;
constexpr float kLabelled = 0.8F;

/// What is said of a value, and by what.
struct Label {
  ContextMask says = 0;
  bool question = false;
};

struct Code {
  std::string_view text;
  Context context;
};
/// HL7 table 0203, "Identifier type".
constexpr std::array<Code, 9> kTypes0203 = {{{"MR", kMrn},
                                             {"SS", kSsn},
                                             {"DL", kLicense},
                                             {"PPN", kPassport},
                                             {"MB", kInsurance},
                                             {"MC", kInsurance},
                                             {"MA", kInsurance},
                                             {"SN", kInsurance},
                                             {"NPI", kNpi}}};
/// FHIR R4, "Identifier systems".
constexpr std::array<Code, 4> kSystems = {{{"http://hl7.org/fhir/sid/us-ssn", kSsn},
                                           {"http://hl7.org/fhir/sid/us-npi", kNpi},
                                           {"http://hl7.org/fhir/sid/us-medicare", kInsurance},
                                           {"http://hl7.org/fhir/sid/us-mbi", kInsurance}}};

ContextMask context_of(std::span<const Code> codes, std::string_view text) {
  for (const Code& code : codes)
    if (code.text == text) return bit(code.context);
  return 0;
}

bool is_answer(std::string_view key) { return (roles_of(key) & kAnswerKey) != 0; }

bool is_question(std::string_view key) { return key == "question" || key == "prompt" || key == "q" || key == "ask"; }

std::string_view key_of(const Document& document, uint32_t key) {
  return key == kNowhere ? std::string_view() : document.text_of(document.nodes()[key]);
}

/// Whether `node` stands in the `type` of the object `holder`: in itself, or in its list of codings.
bool is_of_type(const Document& document, const Node& node, uint32_t holder) {
  const auto& containers = document.containers();
  uint32_t at = node.container;
  for (int level = 0; level < 3 && at != kNowhere; ++level) {
    if (containers[at].parent == holder) return key_of(document, containers[at].key) == "type";
    at = containers[at].parent;
  }
  return false;
}

/// Whether the word behind a phrase makes it another: "password policy", "SSN format".
bool is_about(const Sight& sight, Span phrase, uint32_t stop) {
  uint32_t end = phrase.end;
  while (end < stop && sight.at(end) == ' ') ++end;
  while (end < stop && is_letter(sight.at(end))) ++end;
  return (read_key(sight.view({phrase.begin, end})) & kAgainst) != 0;
}

/// What the words of a question ask for. "How many" asks for none of it.
ContextMask asked_for(const Sight& sight, const Node& node) {
  if (equals_word(sight.view({node.text.begin, node.text.begin + 4}), "how ")) return 0;
  const auto& words = sight.words();
  auto word = std::lower_bound(words.begin(), words.end(), node.text.begin,
                               [](const Word& one, uint32_t begin) { return one.span.end <= begin; });
  ContextMask says = 0;
  constexpr uint32_t kMaxWords = 16;
  for (uint32_t n = 0; n < kMaxWords && word != words.end() && word->span.end <= node.text.end; ++n, ++word)
    if (!is_about(sight, word->span, node.text.end)) says |= bit(word->context);
  sight.spend(kMaxWords);
  return says;
}

/// What one node near a value says about it.
void add_label(const Sight& sight, const Node& value, const Node& other, Label& label) {
  const Document& document = sight.document();
  std::string_view key = key_of(document, other.key);
  if (other.container == value.container) {
    if (key == "system") label.says |= context_of(kSystems, document.text_of(other));
    if (is_question(key)) {
      label.says |= asked_for(sight, other);
      label.question = true;
    }
    return;
  }
  bool text = key == "text" || key == "display";
  if ((!text && key != "code") || !is_of_type(document, other, value.container)) return;
  std::string_view said = document.text_of(other);
  label.says |= text ? read_key(said) : context_of(kTypes0203, said);
}

Label label_of(const Sight& sight, uint32_t number) {
  const auto& nodes = sight.document().nodes();
  uint32_t first = number - std::min(number, kFarthest);
  uint32_t last = std::min<uint32_t>(number + kFarthest, static_cast<uint32_t>(nodes.size()) - 1);
  Label label;
  for (uint32_t i = first; i <= last; ++i)
    if (nodes[i].kind == Node::Kind::kString && i != number) add_label(sight, nodes[number], nodes[i], label);
  sight.spend(last - first);
  return label;
}

std::string digits_of(std::string_view value) {
  std::string digits;
  for (char c : value) {
    if (is_digit(c))
      digits.push_back(c);
    else if (c != '-' && c != ' ')
      return {};
  }
  return digits;
}

void see_labelled(Sight& sight, Span span, const Label& label) {
  std::string_view value = sight.view(span);
  auto see = [&](Type type) { sight.see(type, span, {kLabelled, 0, false, false, "label"}); };
  for (const Kind& kind : kKinds) {
    if ((label.says & bit(kind.context)) == 0 || kind.context == kCode) continue;
    if (label.question && is_short_of_insurance(kind.context, value)) continue;
    if (kind.read(value) == value.size()) see(kind.type);
  }
  std::string digits = digits_of(value);
  if ((label.says & bit(kSsn)) != 0 && ssn(digits)) see(Type::ssn);
  if ((label.says & bit(kNpi)) != 0 && npi(digits)) see(Type::npi);
  if (!label.question || (label.says & kOfSecrets) == 0) return;
  Naming naming;
  naming.says = label.says & kOfSecrets;
  naming.how = Named::kByVerb;
  naming.quoted = true;
  naming.shape = kLabelled;
  see_secret(sight, span, naming);
}

}  // namespace

void detect_labelled(Sight& sight) {
  const Document& document = sight.document();
  const auto& nodes = document.nodes();
  for (uint32_t i = 0; i < nodes.size() && !sight.is_spent(); ++i) {
    const Node& node = nodes[i];
    if (node.key == kNowhere || node.text.size() == 0 || node.text.size() > kLongestValue ||
        !is_answer(document.text_of(nodes[node.key])))
      continue;
    if (Label label = label_of(sight, i); label.says != 0) see_labelled(sight, node.text, label);
  }
}

}  // namespace mas::dlp
