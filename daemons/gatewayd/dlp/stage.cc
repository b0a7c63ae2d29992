// From findings to a decision.
#include "daemons/gatewayd/dlp/stage.h"

#include <algorithm>

#include "daemons/gatewayd/dlp/rewrite.h"

namespace mas::dlp {
namespace {

constexpr size_t kHashBytes = 8;         // of a keyed hash that are said: enough to see that two values are the same
constexpr size_t kLongestPath = 200;     // bytes of a path that are said
constexpr size_t kKeptBuffer = 1 << 20;  // a larger one was for a large envelope

}  // namespace

ContentStage::ContentStage(std::unique_ptr<Scanner> scanner, std::optional<DataKey> key, const HmacKey& tags,
                           size_t max_envelope)
    : scanner_(std::move(scanner)), key_(std::move(key)), tags_(tags), max_envelope_(max_envelope) {
  counts_.resize(rules().types.size());
}

Result<std::unique_ptr<ContentStage>> ContentStage::make(std::shared_ptr<const Rules> rules, std::optional<DataKey> key,
                                                         const HmacKey& tags, size_t max_envelope) {
  auto scanner = Scanner::make(std::move(rules));
  if (!scanner) return scanner.error();
  return std::unique_ptr<ContentStage>(new ContentStage(std::move(*scanner), std::move(key), tags, max_envelope));
}

void ContentStage::clear_counts() {
  std::fill(counts_.begin(), counts_.end(), Counts::value_type{});
  suppressed_ = 0;
}

const ContentStage::Verdict& ContentStage::look(std::string_view sender, std::string_view target,
                                                std::string_view envelope, std::string_view content) {
  scanner_->set_scope(sender, target);
  outcome_.decision = Decision::kAllowed;
  outcome_.reason.clear();
  outcome_.envelope = envelope;
  outcome_.detected = {};
  bool whole = content.size() == envelope.size();
  auto status = whole ? scanner_->scan_json(content, Document::Shape::kEnvelope)
                      : scanner_->scan_json(content, Document::Shape::kAnything, "data");
  if (!status) {
    outcome_.decision = Decision::kUnavailable;
    outcome_.reason = "the payload could not be scanned";
    return outcome_;
  }
  suppressed_ += scanner_->report().suppressed;
  if (scanner_->report().action == Action::kOff) return outcome_;
  describe();
  decide(envelope, content);
  return outcome_;
}

bool ContentStage::found(std::string_view type) const {
  const Report& report = scanner_->report();
  auto is = [&](const Finding& one) {
    return one.acts && one.action != Action::kOff && rules().types[one.type].name == type;
  };
  return report.untold > 0 || !report.refused.empty() ||
         std::any_of(report.findings.begin(), report.findings.end(), is);
}

/// What the audit keeps of findings, and the counts.
void ContentStage::describe() {
  texts_.clear();
  detected_.clear();
  size_t more = 0;
  for (const Finding& finding : scanner_->report().findings) {
    if (!finding.acts || finding.action == Action::kOff) continue;
    ++counts_[finding.type][static_cast<size_t>(finding.action)];
    if (texts_.size() == kAuditedFindings) {
      ++more;
      continue;
    }
    Digest tag = tags_.tag(scanner_->value(finding));
    // Of what was not looked at to its end, keys may hold anything.
    bool whole = scanner_->report().refused.empty();
    std::string text = rules().types[finding.type].name + " ";
    text += (whole ? scanner_->path(finding, kLongestPath) : "*") + " ";
    texts_.push_back(text + to_hex(std::span(tag).first(kHashBytes)));
  }
  more += scanner_->report().untold;
  if (more > 0 && !texts_.empty()) texts_.back() += " and " + std::to_string(more) + " more";
  detected_.assign(texts_.begin(), texts_.end());
  outcome_.detected = detected_;
}

void ContentStage::decide(std::string_view envelope, std::string_view content) {
  Action action = scanner_->report().action;
  if (action == Action::kAlert) return;
  if (action == Action::kBlock) {
    outcome_.decision = Decision::kDlpBlocked;
    std::string_view refused = scanner_->report().refused;
    outcome_.reason = refused.empty() ? blocked_types() : "the payload contains " + std::string(refused);
    return;
  }
  rewritten_.clear();
  if (rewritten_.capacity() > kKeptBuffer) rewritten_.shrink_to_fit();
  auto before = static_cast<size_t>(content.data() - envelope.data());
  rewritten_.append(envelope.substr(0, before));
  append_rewritten(*scanner_, content, key_ ? &*key_ : nullptr, rewritten_);
  rewritten_.append(envelope.substr(before + content.size()));
  if (rewritten_.size() > max_envelope_) {
    outcome_.decision = Decision::kTooLarge;
    outcome_.reason = "with its values masked, the message exceeds the maximum size of an envelope";
    return;
  }
  // Encrypted values that could be masked only are masked ones.
  bool encrypted = action == Action::kEncrypt && key_.has_value();
  outcome_.decision = encrypted ? Decision::kEncrypted : Decision::kRedacted;
  outcome_.envelope = rewritten_;
}

std::string ContentStage::blocked_types() const {
  std::string list;
  std::vector<uint16_t> named;
  for (const Finding& finding : scanner_->report().findings) {
    if (!finding.acts || finding.action != Action::kBlock) continue;
    if (std::find(named.begin(), named.end(), finding.type) != named.end()) continue;
    named.push_back(finding.type);
    list += (list.empty() ? "" : ", ") + rules().types[finding.type].name;
  }
  return "the payload contains: " + list;
}

}  // namespace mas::dlp
