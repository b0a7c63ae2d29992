// A sender's sets, checked.
#include "daemons/gatewayd/authz/rules.h"

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/authz/role.h"
#include "proto/base/ids.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

namespace {

/// @return what is wrong with a set of that many members; empty: nothing.
std::string check_size(std::string_view set, size_t members) {
  if (members <= limits::kAclEntries) return {};
  return std::string(set) + " has " + std::to_string(members) + " members, at most " +
         std::to_string(limits::kAclEntries) + " are read";
}

void take_roles(SenderRules& rules, std::span<const std::string_view> names) {
  rules.has_roles = !names.empty();
  for (auto name : names) {
    if (check_role_name(name).ok()) {
      rules.roles.emplace_back(name);
    } else {
      rules.unusable.push_back("roles: " + printable(name));
    }
  }
  std::sort(rules.roles.begin(), rules.roles.end());
}

}  // namespace

SenderRules parse_rules(std::span<const std::string_view> allowed, std::span<const std::string_view> blocked,
                        std::span<const std::string_view> roles) {
  for (const auto& [set, members] :
       {std::pair("allowed_targets", allowed), std::pair("blocked_targets", blocked), std::pair("roles", roles)})
    if (auto problem = check_size(set, members.size()); !problem.empty()) return unreadable_rules(problem);

  SenderRules rules;
  rules.allowed = TargetSet::parse(allowed);
  rules.blocked = TargetSet::parse(blocked);
  for (const auto& member : rules.allowed.unusable()) rules.unusable.push_back("allowed_targets: " + printable(member));
  take_roles(rules, roles);
  if (!rules.blocked.unusable().empty())
    rules.problem = "blocked_targets has '" + printable(rules.blocked.unusable().front()) +
                    "', which cannot be read; expected an agent's id, a prefix with * at its end, or *";
  return rules;
}

SenderRules unreadable_rules(std::string_view problem) {
  SenderRules rules;
  rules.problem = problem;
  return rules;
}

}  // namespace mas::gateway
