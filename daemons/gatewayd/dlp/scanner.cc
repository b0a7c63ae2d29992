// From bytes to findings.
#include "daemons/gatewayd/dlp/scanner.h"

#include <algorithm>
#include <set>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/values.h"
#include "proto/wire/json_path.h"
#include "proto/wire/limits.h"

namespace mas::dlp {
namespace {

// What the views of a message may write: as much as the message, twice, and something for short ones.
constexpr size_t kBudgetFactor = 2, kBudgetBase = 128 * 1024;

constexpr size_t kStepsOfMatch = 32, kStepsOfWord = 96;
constexpr std::string_view kTooMany = "more values to hide than a message may hold";
constexpr std::string_view kTooMuchWork = "more candidates than can be examined";

enum Reading : uint32_t { kPlain, kFolded, kDecoded, kDecodedFolded, kTwiceDecoded, kTwiceDecodedFolded };

}  // namespace

Scanner::Scanner(std::shared_ptr<const Rules> rules)
    : rules_(std::move(rules)), keys_([this](std::string_view key, std::vector<Match>& ret_matches) {
        return rules_->matcher->scan_key(key, scratch_.get(), ret_matches);
      }) {
  constexpr uint32_t kParents[kReadings] = {kPlain, kPlain, kPlain, kDecoded, kDecoded, kTwiceDecoded};
  for (size_t i = 0; i < kReadings; ++i) views_[i] = {std::make_unique<Document>(keys_), kParents[i], false, {}};
}

Result<std::unique_ptr<Scanner>> Scanner::make(std::shared_ptr<const Rules> rules) {
  std::unique_ptr<Scanner> scanner(new Scanner(std::move(rules)));
  const Rules& all = scanner->rules();
  if (auto status = all.matcher->prepare(scanner->scratch_); !status) return status.error();
  if (all.custom)
    if (auto status = all.custom->prepare(scanner->scratch_); !status) return status.error();
  if (all.allow)
    if (auto status = all.allow->prepare(scanner->scratch_); !status) return status.error();
  scanner->set_scope({}, {});
  return scanner;
}

void Scanner::set_scope(std::string_view sender, std::string_view target) {
  sender_ = sender;
  target_ = target;
  if (rules_->overrides.empty() && actions_.size() == rules_->types.size()) return;
  actions_.clear();
  for (const TypeRule& type : rules_->types) actions_.push_back(type.action);
  apply_overrides(rules_->overrides, sender, target, actions_);
}

Status Scanner::scan_json(std::string_view json, Document::Shape shape, std::string_view root) {
  root_ = root;
  shape_ = shape;
  if (!views_[kPlain].document->read_json(json, shape))
    return Error{Errc::kMalformed, "dlp: the payload is not a JSON value that can be scanned"};
  return scan();
}

Status Scanner::scan_text(std::string_view text) {
  root_.clear();
  shape_ = Document::Shape::kAnything;
  views_[kPlain].document->read_text(text);
  return scan();
}

Status Scanner::scan() {
  candidates_.clear();
  report_.findings.clear();
  report_.action = Action::kOff;
  report_.suppressed = 0;
  report_.refused = {};
  judged_.clear();
  work_ = {};
  work_.most += Work::kStepsPerByte * views_[kPlain].document->text().size();
  for (size_t i = 1; i < kReadings; ++i) views_[i].document->clear();
  for (View& view : views_) view.classified = false;
  auto doc = [this](Reading view) -> Document& { return *views_[view].document; };
  Budget budget{doc(kPlain).text().size() * kBudgetFactor + kBudgetBase};

  if (auto status = look_through(kPlain); !status) return status;
  fold(doc(kPlain), classes_of(kPlain), doc(kFolded), budget);
  decode(doc(kPlain), classes_of(kPlain), doc(kDecoded), budget);
  if (!doc(kDecoded).empty()) {
    fold(doc(kDecoded), classes_of(kDecoded), doc(kDecodedFolded), budget);
    decode(doc(kDecoded), classes_of(kDecoded), doc(kTwiceDecoded), budget);
    fold(doc(kTwiceDecoded), classes_of(kTwiceDecoded), doc(kTwiceDecodedFolded), budget);
  }
  for (uint32_t view = kFolded; view < kReadings; ++view)
    if (!views_[view].document->empty())
      if (auto status = look_through(view); !status) return status;
  allowing_ = {};
  settle();
  if (work_.over()) {
    report_.action = Action::kBlock;
    report_.refused = work_.too_many ? kTooMany : kTooMuchWork;
  }
  report_.untold = work_.untold;
  return allowing_;
}

const ByteClasses& Scanner::classes_of(uint32_t number) {
  View& view = views_[number];
  if (!view.classified) view.classes.read(view.document->text());
  view.classified = true;
  return view.classes;
}

Status Scanner::look_through(uint32_t view) {
  Document& document = *views_[view].document;
  if (document.empty() || work_.over()) return {};
  if (auto status = rules_->matcher->scan(document.literal_text(), scratch_.get(), matches_); !status) return status;
  document.complete(matches_);
  read_words(document);
  Sight sight(document, classes_of(view), view, rules_->enabled, words_,
              {actions_, candidates_, work_, explaining_ ? &judged_ : nullptr});
  if (!work_.over()) detect_numbers(sight, groups_);
  if (!work_.over()) detect_emails(sight);
  if (!work_.over()) detect_by_keys(sight);
  if (!work_.over()) detect_after_words(sight);
  if (!work_.over()) detect_seed_phrases(sight);
  for (const Match& match : matches_) {
    const Literal& literal = rules_->matcher->literal(match.literal);
    if (literal.trigger == Trigger::kPhrase) continue;
    sight.spend(kStepsOfMatch);
    if (work_.over()) return {};
    detect_at(sight, literal, {match.end - static_cast<uint32_t>(literal.text.size()), match.end});
  }
  if (!rules_->custom) return {};
  if (work_.over()) return {};
  return rules_->custom->look(sight, scratch_.get(), hits_, [this, view](uint32_t node) { return key_of(view, node); });
}

void Scanner::read_words(const Document& document) {
  words_.clear();
  for (const Match& match : matches_) {
    const Literal& literal = rules_->matcher->literal(match.literal);
    if (literal.trigger != Trigger::kPhrase) continue;
    Span span{match.end - static_cast<uint32_t>(literal.text.size()), match.end};
    if (!is_phrase(document.text(), span)) continue;
    work_.steps += kStepsOfWord;
    if (work_.over()) return;
    words_.push_back({span, static_cast<Context>(literal.argument)});
  }
}

/// Whether words stand there, and not parts of longer ones.
bool Scanner::is_phrase(std::string_view text, Span span) const {
  char before = span.begin > 0 ? text[span.begin - 1] : '\0', after = span.end < text.size() ? text[span.end] : '\0';
  bool camel = is_lower(before) && is_upper(text[span.begin]);
  return (!is_letter(before) || camel) && (!is_letter(after) || (is_upper(after) && is_lower(text[span.end - 1])));
}

// ---- From what was seen to where it stands in the message

Scanner::Place Scanner::trace(uint32_t reading, uint32_t number, Span part) const {
  Place place{part, number, 0};
  while (true) {
    const Node& node = views_[reading].document->nodes()[place.node];
    if (node.kind == Node::Kind::kNumber) {
      place.quotes = 1;
      place.source = node.source;
    } else {
      bool json = node.form == Node::Form::kSame || node.form == Node::Form::kEscaped;
      if (place.quotes > 0) place.quotes = json ? place.quotes + 1 : 0;
      place.source = views_[reading].document->locate(node, place.source);
    }
    if (reading == kPlain) return place;
    reading = views_[reading].parent;
    place.node = node.origin;
  }
}

/// The key that a value stands under, or the array that holds it; of a decoded part that of what it was decoded from.
std::string_view Scanner::key_of(uint32_t reading, uint32_t number) const {
  while (true) {
    const Document& document = *views_[reading].document;
    const Node& node = document.nodes()[number];
    uint32_t key = node.key;
    for (uint32_t at = node.container; key == kNowhere && at != kNowhere && document.containers()[at].array;) {
      key = document.containers()[at].key;
      at = document.containers()[at].parent;
    }
    if (key != kNowhere) return document.text_of(document.nodes()[key]);
    if (reading == kPlain) return {};
    reading = views_[reading].parent;
    number = node.origin;
  }
}

bool Scanner::is_suppressed(const Finding& finding) {
  if (!rules_->allow || !allowing_) return false;
  steps_.clear();
  const Document& document = *views_[kPlain].document;
  const Node& node = document.nodes()[finding.node];
  if (rules_->allow->has_paths()) {
    uint32_t container = node.container, key = node.key, index = node.index;
    bool step = node.kind != Node::Kind::kKey;  // a key is named by what holds it
    while (container != kNowhere) {
      const Container& within = document.containers()[container];
      if (step && within.array)
        steps_.push_back({true, index, {}});
      else if (step)
        steps_.push_back({false, 0, document.text_of(document.nodes()[key])});
      step = true;
      key = within.key;
      index = within.index;
      container = within.parent;
    }
    if (!root_.empty()) steps_.push_back({false, 0, root_});
    std::reverse(steps_.begin(), steps_.end());
  }
  work_.steps += rules_->allow->steps_of(steps_.size()) + finding.seen.size();
  auto allowed = rules_->allow->allows({finding.type, value(finding), steps_, sender_, target_}, scratch_.get());
  if (!allowed) allowing_ = allowed.error();
  if (allowed && *allowed && finding.acts) ++report_.suppressed;
  return allowed && *allowed;
}

Finding Scanner::finding_of(const Candidate& seen) const {
  Place place = trace(seen.document, seen.node, seen.span);
  bool acts = seen.score >= kActs;
  return {seen.type,     acts ? actions_[seen.type] : Action::kAlert,
          acts,          seen.validated,
          seen.score,    place.source,
          place.node,    place.quotes,
          seen.document, seen.span,
          seen.detail};
}

void Scanner::settle() {
  traced_.clear();
  fates_.assign(explaining_ ? candidates_.size() : 0, {});
  for (uint32_t i = 0; i < candidates_.size() && !work_.over(); ++i) {
    Finding finding = finding_of(candidates_[i]);
    finding.candidate = i;
    if (is_suppressed(finding))
      note(finding, Considered::Fate::kAllowed);
    else
      traced_.push_back(finding);
  }
  settle_overlaps();
  found_keys_.clear();
  for (const Finding& finding : report_.findings) {
    if (finding.acts) report_.action = std::max(report_.action, finding.action);
    if (document().nodes()[finding.node].kind == Node::Kind::kKey) found_keys_.push_back(finding.node);
  }
  std::sort(found_keys_.begin(), found_keys_.end());
}

namespace {

/// Of a rule of the configuration that hides.
bool of_rule(const Finding& finding) { return finding.type >= kBuiltinTypes && finding.action > Action::kAlert; }

bool is_better(const Finding& a, const Finding& b) {
  if (a.acts != b.acts) return a.acts;
  if (of_rule(a) != of_rule(b)) return of_rule(a);
  if (a.validated != b.validated) return a.validated;
  if (a.source.size() != b.source.size()) return a.source.size() > b.source.size();
  if (a.score != b.score) return a.score > b.score;
  if (a.source.begin != b.source.begin) return a.source.begin < b.source.begin;
  return a.type < b.type;
}

}  // namespace

/// Of findings that overlap the better one stays: one that acts, one of a rule of the configuration that hides it, a
/// validated one, the longer, the surer. A rule's finding takes over the stricter action of what it stands for.
void Scanner::settle_overlaps() {
  if (traced_.size() > 1) std::sort(traced_.begin(), traced_.end(), is_better);
  auto by_begin = [](const Finding* a, const Finding* b) { return a->source.begin < b->source.begin; };
  std::set<Finding*, decltype(by_begin)> taken(by_begin);
  for (Finding& finding : traced_) {
    auto after = taken.lower_bound(&finding);
    Finding* better = nullptr;
    if (after != taken.end() && (*after)->source.begin < finding.source.end) better = *after;
    if (after != taken.begin() && (*std::prev(after))->source.end > finding.source.begin) better = *std::prev(after);
    if (better == nullptr) {
      taken.insert(after, &finding);
      note(finding, Considered::Fate::kStands);
      continue;
    }
    if (of_rule(*better)) better->action = std::max(better->action, finding.action);
    note(finding, Considered::Fate::kCovered, better->type);
  }
  for (const Finding* finding : taken) report_.findings.push_back(*finding);
}

std::vector<Considered> Scanner::considered() const {
  std::vector<Considered> all;
  for (const Judgement& judgement : judged_) {
    Considered one{finding_of(judgement.candidate), judgement};
    if (judgement.kept != Judgement::kNotKept) {
      one.fate = fates_[judgement.kept].fate;
      one.covered_by = fates_[judgement.kept].covered_by;
    } else if (one.finding.score >= kMentions) {
      one.fate = actions_[one.finding.type] == Action::kOff ? Considered::Fate::kOff : Considered::Fate::kUntold;
    }
    all.push_back(one);
  }
  std::stable_sort(all.begin(), all.end(), [](const Considered& a, const Considered& b) {
    return a.finding.source.begin < b.finding.source.begin;
  });
  return all;
}

std::string_view Scanner::value(const Finding& finding) const {
  return views_[finding.document].document->text().substr(finding.seen.begin, finding.seen.size());
}

template <typename NameOf>
bool Scanner::write_path(std::string& path, uint32_t number, size_t most, NameOf name_of) const {
  const Document& document = *views_[kPlain].document;
  const Node& node = document.nodes()[number];
  struct Step {
    uint32_t container, key, index;
  };
  std::array<Step, limits::kJsonDepth + 3> steps;
  size_t count = 0;
  if (node.kind != Node::Kind::kKey) steps[count++] = {node.container, node.key, node.index};  // a key: what holds it
  for (uint32_t at = node.container; at != kNowhere && count < steps.size(); at = document.containers()[at].parent) {
    const Container& within = document.containers()[at];
    steps[count++] = {within.parent, within.key, within.index};
  }
  size_t begin = path.size();
  path += root_;
  while (count-- > 0) {
    const Step& step = steps[count];
    if (step.container == kNowhere) continue;
    if (document.containers()[step.container].array) {
      append_index_step(path, step.index);
    } else {
      std::string_view name = name_of(step.key);
      if (name.size() > most) return false;
      append_key_step(path, name);
    }
    if (path.size() - begin > most) return false;
  }
  if (path.size() == begin) path.push_back('$');
  return true;
}

bool Scanner::append_path(std::string& path, uint32_t number, const Names& renamed, size_t most) const {
  return write_path(path, number, most, [&](uint32_t key) -> std::string_view {
    auto found = renamed.find(key);
    return found != renamed.end() ? std::string_view(found->second) : document().text_of(document().nodes()[key]);
  });
}

std::string Scanner::path(const Finding& finding, size_t most) const {
  std::string path;
  bool whole = write_path(path, finding.node, most, [&](uint32_t key) -> std::string_view {
    bool found = std::binary_search(found_keys_.begin(), found_keys_.end(), key);
    return found ? "*" : document().text_of(document().nodes()[key]);
  });
  if (whole) return path;
  path.resize(std::min(path.size(), most));
  while (!path.empty() && (static_cast<unsigned char>(path.back()) & 0xc0) == 0x80) path.pop_back();
  if (!path.empty() && (path.back() & 0x80) != 0) path.pop_back();  // the beginning of a character
  return path + "…";
}

}  // namespace mas::dlp
