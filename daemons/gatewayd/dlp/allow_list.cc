// Which findings are allowed.
#include "daemons/gatewayd/dlp/allow_list.h"

#include <algorithm>

namespace mas::dlp {

Result<AllowList> AllowList::make(std::vector<AllowEntry> entries) {
  AllowList made;
  std::vector<std::string> patterns;
  for (AllowEntry& entry : entries) {
    std::sort(entry.values.begin(), entry.values.end());
    std::sort(entry.hashed.begin(), entry.hashed.end());
    made.has_paths_ |= entry.path.has_value();
    if (entry.path) made.path_steps_ += entry.path->steps_per_step();
    made.has_hashes_ |= !entry.hashed.empty();
    made.pattern_of_.push_back(static_cast<uint32_t>(patterns.size()));
    if (!entry.pattern.empty()) patterns.push_back(anchored(entry.pattern));
  }
  if (!patterns.empty()) {
    auto set = PatternSet::make(patterns, PatternSet::Wanted::kWhether);
    if (!set) return set.error();
    made.patterns_ = std::move(*set);
  }
  made.entries_ = std::move(entries);
  return made;
}

Status AllowList::prepare(Scratch& scratch) const { return patterns_ ? patterns_->prepare(scratch) : Status(); }

bool AllowList::names_value(const AllowEntry& entry, std::string_view value, const Digest& digest) const {
  if (entry.values.empty() && entry.hashed.empty()) return true;
  return std::binary_search(entry.values.begin(), entry.values.end(), value) ||
         (!entry.hashed.empty() && std::binary_search(entry.hashed.begin(), entry.hashed.end(), digest));
}

Result<bool> AllowList::allows(const Question& question, hs_scratch* scratch) const {
  Digest digest{};
  if (has_hashes_) digest = sha256(question.value);
  std::vector<uint32_t> matched;
  if (patterns_)
    if (auto status = patterns_->match(question.value, scratch, matched); !status) return status.error();
  std::sort(matched.begin(), matched.end());
  auto has = [](const auto& list, auto one) { return std::find(list.begin(), list.end(), one) != list.end(); };
  for (size_t i = 0; i < entries_.size(); ++i) {
    const AllowEntry& entry = entries_[i];
    if (!entry.types.empty() && !has(entry.types, question.type)) continue;
    if (!entry.pattern.empty() && !std::binary_search(matched.begin(), matched.end(), pattern_of_[i])) continue;
    if (entry.agent && !entry.agent->matches(question.sender) && !entry.agent->matches(question.target)) continue;
    if (entry.path && !entry.path->matches(question.path)) continue;
    if (names_value(entry, question.value, digest)) return true;
  }
  return false;
}

}  // namespace mas::dlp
