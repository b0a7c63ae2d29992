// Members sorted into ids, prefixes and what is neither; look-up.
#include "daemons/gatewayd/authz/target_set.h"

#include <algorithm>

#include "proto/base/ids.h"

namespace mas::gateway {

namespace {

std::string_view without_star(std::string_view pattern) { return pattern.substr(0, pattern.size() - 1); }

}  // namespace

bool is_target_pattern(std::string_view text) {
  return is_foreign_agent_id(text) && text.find('*') >= text.size() - 1;  // npos is larger, too
}

TargetSet TargetSet::parse(std::span<const std::string_view> members) {
  TargetSet set;
  for (auto member : members) set.add(member);
  set.drop_covered_prefixes();
  std::sort(set.unusable_.begin(), set.unusable_.end());
  return set;
}

void TargetSet::add(std::string_view member) {
  if (member == "*") {
    any_ = true;
  } else if (!is_target_pattern(member)) {
    unusable_.emplace_back(member);
  } else if (member.ends_with('*')) {
    prefixes_.emplace_back(member);
  } else {
    ids_.emplace(member);
  }
}

// Without the prefixes that a shorter one covers, only the last one that sorts before a target can match it: whatever
// sorted between a matching prefix and the target would begin with that prefix.
void TargetSet::drop_covered_prefixes() {
  std::sort(prefixes_.begin(), prefixes_.end(),
            [](const auto& a, const auto& b) { return without_star(a) < without_star(b); });
  std::vector<std::string> kept;
  for (auto& prefix : prefixes_)
    if (kept.empty() || !prefix.starts_with(without_star(kept.back()))) kept.push_back(std::move(prefix));
  prefixes_ = std::move(kept);
}

std::optional<std::string_view> TargetSet::find(std::string_view target) const {
  if (any_) return "*";
  if (!ids_.empty())
    if (auto found = ids_.find(target); found != ids_.end()) return *found;
  auto after = std::upper_bound(prefixes_.begin(), prefixes_.end(), target,
                                [](auto wanted, const auto& prefix) { return wanted < without_star(prefix); });
  if (after == prefixes_.begin()) return std::nullopt;
  const std::string& candidate = *(after - 1);
  if (!target.starts_with(without_star(candidate))) return std::nullopt;
  return candidate;
}

}  // namespace mas::gateway
