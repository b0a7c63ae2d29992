// The rules of one sender: its allow list, its block list and the names of its roles, from the three sets in Redis.
//
// Failure is closed: a set that is too long or could not be read, and a member of the block list that cannot be
// understood (it was meant to block something), make rules with a problem, and those deny everything.
// Threading: immutable after construction; share freely.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/authz/target_set.h"

namespace mas::gateway {

struct SenderRules {
  TargetSet allowed;
  TargetSet blocked;
  std::vector<std::string> roles;     ///< legal names, sorted
  bool has_roles = false;             ///< whether the set has any member, legal or not
  std::vector<std::string> unusable;  ///< for people: what was ignored, each with the set it stood in
  std::string problem;                ///< one sentence; not empty: everything is denied

  /// @return whether neither an allow list nor a role says anything about the sender.
  bool none() const { return allowed.empty() && !has_roles; }
};

/// @param allowed, blocked, roles the members of the sender's sets, in any order.
SenderRules parse_rules(std::span<const std::string_view> allowed, std::span<const std::string_view> blocked,
                        std::span<const std::string_view> roles);

/// Rules for a sender whose sets could not be read. @param problem one sentence.
SenderRules unreadable_rules(std::string_view problem);

}  // namespace mas::gateway
