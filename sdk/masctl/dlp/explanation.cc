// Why candidates were acted upon or not: `masctl dlp explain`. Masks and vocabulary only, never a value.
#include <algorithm>
#include <cstdio>

#include "daemons/gatewayd/dlp/rewrite.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/dlp/findings.h"

namespace mas::ctl {

namespace {

std::string fixed(float number, bool sign) {
  char text[16];
  std::snprintf(text, sizeof text, sign ? "%+.2f" : "%.2f", static_cast<double>(number));
  return text;
}

/// What of a judgement's sum each sign gave.
struct Parts {
  std::string form, key = "-", words = "-", against = "-";

  explicit Parts(const dlp::Judgement& judgement) {
    form = fixed(judgement.checked && !judgement.by_rule ? std::max(judgement.shape, dlp::kChecked) : judgement.shape,
                 false);
    if (judgement.by_rule) form += " rule";
    if (judgement.checked) form += " checked";
    if ((judgement.key & judgement.wanted) != 0) key = fixed(dlp::Worth::kKey, true);
    if ((judgement.words & judgement.wanted) != 0)
      words = fixed(judgement.far ? dlp::Worth::kFarWords : dlp::Worth::kWords, true);
    if (judgement.against > 0) against = fixed(-judgement.against, true);
  }
};

/// What would have made it act.
std::string missing(const dlp::Judgement& judgement) {
  std::string text = fixed(dlp::kActs - judgement.candidate.score, false) + " missing";
  if (judgement.by_rule) return text + "; words of the rule's context would be enough";
  if (judgement.against > 0) text += "; a key or word marks it as something else";
  bool key = (judgement.key & judgement.wanted) != 0, words = (judgement.words & judgement.wanted) != 0;
  if (judgement.wanted == 0) return text + "; no context would be enough";
  if (!key && !words) return text + "; a key or nearby words that name it would be enough";
  if (!key) return text + "; a key that names it would be enough";
  return text;
}

}  // namespace

std::string Inspection::fate_of(const dlp::Considered& one) const {
  switch (one.fate) {
    case dlp::Considered::Fate::kStands:
      if (one.finding.acts) return "acts: " + std::string(dlp::kActionNames[static_cast<size_t>(one.finding.action)]);
      return "possible: " + missing(one.judgement);
    case dlp::Considered::Fate::kTooLow:
      return "not reported: " + missing(one.judgement);
    case dlp::Considered::Fate::kAllowed:
      return "allowed by the rules";
    case dlp::Considered::Fate::kOff:
      return "its type is off";
    case dlp::Considered::Fate::kCovered:
      return "part of a better candidate: " + scanner_->rules().types[one.covered_by].name;
    case dlp::Considered::Fate::kUntold:
      break;
  }
  return "over the maximum number of findings";
}

Table Inspection::explanation() const {
  Table table({"TYPE", "DETAIL", "WHERE", "FORM", "KEY", "WORDS", "AGAINST", "SCORE", "OUTCOME", "MASKED"});
  for (const auto& one : scanner_->considered()) {
    const auto& type = type_of(one.finding);
    Parts parts(one.judgement);
    table.add({type.name, one.finding.detail.empty() ? "-" : std::string(one.finding.detail), where(one.finding),
               parts.form, parts.key, parts.words, parts.against, fixed(one.finding.score, false), fate_of(one),
               dlp::masked(type, scanner_->value(one.finding))});
  }
  return table;
}

void Inspection::write_explanation(JsonWriter& json) const {
  json.begin_object().key("action").string(action()).key("candidates").begin_array();
  for (const auto& one : scanner_->considered()) {
    const auto& type = type_of(one.finding);
    Parts parts(one.judgement);
    json.begin_object().key("type").string(type.name).key("where");
    json_text_or_lossy(json, where(one.finding));
    json.key("form").string(parts.form).key("key").string(parts.key).key("words").string(parts.words);
    json.key("against").string(parts.against).key("score").raw(fixed(one.finding.score, false));
    json.key("outcome").string(fate_of(one)).key("masked");
    json_text_or_lossy(json, dlp::masked(type, scanner_->value(one.finding)));
    json.end_object();
  }
  json.end_array().end_object();
}

}  // namespace mas::ctl
