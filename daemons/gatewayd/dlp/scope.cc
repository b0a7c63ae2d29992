// Overrides: which of them hold.
#include "daemons/gatewayd/dlp/scope.h"

#include <algorithm>

#include "proto/wire/limits.h"

namespace mas::dlp {

Result<AgentPattern> AgentPattern::parse(std::string_view text) {
  AgentPattern pattern;
  pattern.prefix = text.ends_with('*');
  if (pattern.prefix) text.remove_suffix(1);
  bool wrong = text.find('*') != std::string_view::npos || text.size() > limits::kForeignAgentIdBytes ||
               (text.empty() && !pattern.prefix);
  if (wrong) return Error{Errc::kInvalidArgument, "expected an agent id, or the beginning of one and a *"};
  pattern.text = text;
  return pattern;
}

void sort_overrides(std::vector<Override>& overrides) {
  std::stable_sort(overrides.begin(), overrides.end(), [](const Override& a, const Override& b) {
    if (a.sender.is_wider_than(b.sender)) return true;
    if (b.sender.is_wider_than(a.sender)) return false;
    return a.target.is_wider_than(b.target);
  });
}

void apply_overrides(const std::vector<Override>& overrides, std::string_view sender, std::string_view target,
                     std::vector<Action>& actions) {
  for (const Override& one : overrides) {
    if (!one.sender.matches(sender) || !one.target.matches(target)) continue;
    for (auto [type, action] : one.actions) actions[type] = action;
  }
}

}  // namespace mas::dlp
