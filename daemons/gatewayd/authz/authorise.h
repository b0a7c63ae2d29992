// The decision whether a sender may send to a target, and the rule that made it. Pure.
//
// The first of these that applies decides:
//
//     rules that cannot be read        denied
//     blocked_targets                  denied, whatever else allows it
//     allowed_targets                  allowed
//     the roles' permissions           allowed
//     roles that cannot be read        denied
//     the default of the profile       denied; in development allowed, where neither allow list nor roles exist
//
// The decision depends on nothing but its arguments, so it may be kept per sender and target for as long as these facts
// hold. Replies with a valid ticket are not checked here. Whether the target exists is checked after it, so that a
// sender without permission does not learn whether the agent exists.
// Threading: none. Nothing here allocates but describe(); a RuleVerdict's views live as long as the rules, the roles
// and the target that it was made from.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "daemons/gatewayd/authz/role.h"
#include "daemons/gatewayd/authz/rules.h"

namespace mas::gateway {

enum class DefaultRule : uint8_t {
  kDeny,             ///< profile `production`
  kAllowWithoutAny,  ///< profile `development`: who has neither allow list nor roles may send to everybody
};

enum class Rule : uint8_t { kUnreadable, kBlocked, kAllowed, kRole, kDefault };

struct RuleVerdict {
  bool allowed = false;
  Rule rule = Rule::kDefault;
  std::string_view role;    ///< kRole: its name; kUnreadable: the same, when it is a role that cannot be read
  std::string_view action;  ///< kRole: `send:` or `manage:`; empty for the permission `*`
  std::string_view detail;  ///< the member or permission that matched, or why the rules cannot be read

  /// Appends the rule as it stands in the audit log and in `masctl explain`: "blocked_targets: bob",
  /// "role nurse: send:patient*", "default: deny".
  void append_to(std::string& out) const;
  std::string describe() const;
};

/// @param roles those that `rules.roles` names, in any order; nullptr: one that was not found (permits nothing).
RuleVerdict authorise(std::string_view target, const SenderRules& rules, std::span<const Role* const> roles,
                      DefaultRule fallback);
RuleVerdict authorise(std::string_view, SenderRules&&, std::span<const Role* const>,
                      DefaultRule) = delete;  // it points in

/// Whether the sender's roles permit an administrative action, such as `roles` of `manage:roles`. Lists of targets and
/// defaults say nothing about these: without a role it is denied.
RuleVerdict authorise_manage(std::string_view what, const SenderRules& rules, std::span<const Role* const> roles);

}  // namespace mas::gateway
