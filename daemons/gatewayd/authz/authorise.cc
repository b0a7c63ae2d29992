// The order of the rules, and their names.
#include "daemons/gatewayd/authz/authorise.h"

namespace mas::gateway {

namespace {

using Find = std::optional<std::string_view> (Role::*)(std::string_view) const;

/// @return the verdict of the roles: allowed by the first that permits it; denied as unreadable when none does and one
/// cannot be read; nullopt when they say nothing.
std::optional<RuleVerdict> ask_roles(std::span<const Role* const> roles, std::string_view action, Find find,
                                     std::string_view object) {
  const Role* unreadable = nullptr;
  for (const Role* role : roles) {
    if (role == nullptr) continue;
    if (!role->problem().empty()) unreadable = role;
    if (role->everything()) return RuleVerdict{true, Rule::kRole, role->name(), {}, "*"};
    if (auto permitted = (role->*find)(object)) return RuleVerdict{true, Rule::kRole, role->name(), action, *permitted};
  }
  if (unreadable == nullptr) return std::nullopt;
  return RuleVerdict{false, Rule::kUnreadable, unreadable->name(), {}, unreadable->problem()};
}

}  // namespace

RuleVerdict authorise(std::string_view target, const SenderRules& rules, std::span<const Role* const> roles,
                      DefaultRule fallback) {
  if (!rules.problem.empty()) return {false, Rule::kUnreadable, {}, {}, rules.problem};
  if (auto member = rules.blocked.find(target)) return {false, Rule::kBlocked, {}, {}, *member};
  if (auto member = rules.allowed.find(target)) return {true, Rule::kAllowed, {}, {}, *member};
  if (auto verdict = ask_roles(roles, "send:", &Role::may_send, target)) return *verdict;
  return {fallback == DefaultRule::kAllowWithoutAny && rules.none(), Rule::kDefault, {}, {}, {}};
}

RuleVerdict authorise_manage(std::string_view what, const SenderRules& rules, std::span<const Role* const> roles) {
  if (!rules.problem.empty()) return {false, Rule::kUnreadable, {}, {}, rules.problem};
  return ask_roles(roles, "manage:", &Role::may_manage, what).value_or(RuleVerdict{});
}

void RuleVerdict::append_to(std::string& out) const {
  switch (rule) {
    case Rule::kUnreadable:
      out.append("unreadable: ");
      if (!role.empty()) out.append("role ").append(role).append(" ");
      out.append(detail);
      return;
    case Rule::kBlocked:
      out.append("blocked_targets: ").append(detail);
      return;
    case Rule::kAllowed:
      out.append("allowed_targets: ").append(detail);
      return;
    case Rule::kRole:
      out.append("role ").append(role).append(": ").append(action).append(detail);
      return;
    case Rule::kDefault:
      out.append(allowed ? "default: allow" : "default: deny");
      return;
  }
}

std::string RuleVerdict::describe() const {
  std::string text;
  append_to(text);
  return text;
}

}  // namespace mas::gateway
