// From pattern hits to candidates.
#include "daemons/gatewayd/dlp/custom_rules.h"

#include <algorithm>
#include <optional>

#include "daemons/gatewayd/dlp/checksums.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {
namespace {

constexpr uint32_t kNear = 40;         // bytes
constexpr size_t kEntropyBytes = 256;  // of a value that are looked at
constexpr size_t kStepsOfHit = 8;
constexpr float kOfItself = 0.75F, kAlone = 0.5F, kWithKey = 0.85F, kWithWord = 0.7F;

/// The next place of `word` from `from` on, as a word of its own; npos for none.
size_t find_word(std::string_view text, std::string_view word, size_t from) {
  for (size_t at = from; at + word.size() <= text.size(); ++at) {
    if (to_lower(text[at]) != word[0]) continue;
    if (!equals_word(text.substr(at, word.size()), word)) continue;
    char before = at > 0 ? text[at - 1] : '\0';
    char after = at + word.size() < text.size() ? text[at + word.size()] : '\0';
    char first = text[at], last = text[at + word.size() - 1];
    bool begins = !is_letter(first) || !is_letter(before) || (is_lower(before) && is_upper(first));
    bool ends = !is_letter(last) || !is_letter(after) || (is_lower(last) && is_upper(after));
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

/// A rule's words in one node, and in its key.
class Words {
 public:
  Words(const Sight& sight, const std::vector<std::string>& words, std::string_view key, Span node)
      : sight_(sight), words_(words), node_(node) {
    sight.spend(key.size() * words.size());
    in_key_ = has_any_word(key, words);
  }

  bool in_key() const { return in_key_; }
  /// Whether a word stands within 40 bytes of `span`, or in it.
  bool near(Span span) const {
    constexpr uint32_t kReach = kNear + CustomRule::kLongestWord + 1;  // and what stands beside a word
    uint32_t begin = std::max(node_.begin, span.begin - std::min(span.begin, kReach));
    std::string_view text = sight_.view({begin, std::min(node_.end, span.end + kReach)});
    sight_.spend(text.size() * words_.size());
    return std::any_of(words_.begin(), words_.end(), [&](const std::string& word) {
      for (size_t at = find_word(text, word, 0); at != std::string_view::npos; at = find_word(text, word, at + 1)) {
        uint32_t from = begin + static_cast<uint32_t>(at), to = from + static_cast<uint32_t>(word.size());
        if (from > span.end + kNear) return false;
        if (to + kNear >= span.begin) return true;
      }
      return false;
    });
  }

 private:
  const Sight& sight_;
  const std::vector<std::string>& words_;
  const Span node_;
  bool in_key_ = false;
};

/// One rule in one node: judges its hits, and makes one candidate of those that touch.
class Judge {
 public:
  Judge(Sight& sight, const CustomRule& rule, const PatternHit& hit, const CustomRules::KeyOf& key_of)
      : sight_(sight), rule_(rule), node_(hit.node) {
    const Node& node = sight.document().nodes()[hit.node];
    bool words = !rule.keywords.empty() || !rule.context.empty();
    std::string_view key = words ? key_of(hit.node) : std::string_view();
    if (!rule.keywords.empty()) keywords_.emplace(sight, rule.keywords, key, node.text);
    if (!rule.context.empty()) context_.emplace(sight, rule.context, key, node.text);
  }
  ~Judge() { keep(); }
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  bool same(const PatternHit& hit, const CustomRule& rule) const { return hit.node == node_ && &rule == &rule_; }

  void take(Span span) {
    if (keywords_ && !keywords_->in_key() && !keywords_->near(span)) return;
    std::string_view value = sight_.view(span);
    sight_.spend(kStepsOfHit + (rule_.validator != nullptr ? value.size() : 0));
    if (rule_.validator != nullptr && !rule_.validator->holds(value)) return;
    if (rule_.min_entropy > 0 && entropy(value.substr(0, kEntropyBytes)) < rule_.min_entropy) return;
    if (span_.size() > 0 && span.begin < span_.end) {
      span_.end = std::max(span_.end, span.end);
      score_ = std::max(score_, score(span));
      return;
    }
    keep();
    span_ = span;
    score_ = score(span);
  }

 private:
  float score(Span span) const {
    float score = kOfItself;
    if (context_) score = context_->in_key() ? kWithKey : context_->near(span) ? kWithWord : kAlone;
    return rule_.validator != nullptr && score >= kActs ? std::max(score, kChecked) : score;
  }

  void keep() {
    if (span_.size() > 0) sight_.keep(rule_.type, node_, span_, score_, rule_.validator != nullptr, rule_.id);
    span_ = {};
  }

  Sight& sight_;
  const CustomRule& rule_;
  const uint32_t node_;
  std::optional<Words> keywords_, context_;
  Span span_;
  float score_ = 0;
};

}  // namespace

bool has_any_word(std::string_view text, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [text](const std::string& word) { return find_word(text, word, 0) != std::string_view::npos; });
}

Result<CustomRules> CustomRules::make(std::vector<CustomRule> rules) {
  std::vector<std::string> patterns;
  for (const auto& rule : rules) patterns.push_back(rule.pattern);
  auto set = PatternSet::make(patterns);
  if (!set) return set.error();
  CustomRules made;
  made.rules_ = std::move(rules);
  made.patterns_ = std::move(*set);
  return made;
}

Status CustomRules::look(Sight& sight, hs_scratch* scratch, std::vector<PatternHit>& hits, const KeyOf& key_of) const {
  if (auto status = patterns_.scan(sight.document(), scratch, hits, sight.work()); !status) return status;
  std::optional<Judge> judge;
  for (const PatternHit& hit : hits) {
    if (sight.is_spent()) break;
    const CustomRule& rule = rules_[hit.pattern];
    if (!judge || !judge->same(hit, rule)) {
      judge.reset();
      judge.emplace(sight, rule, hit, key_of);
    }
    judge->take(hit.span);
  }
  return {};
}

}  // namespace mas::dlp
