// Reads what decides whom an agent may send to: its lists, its roles, and what these permit.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/authz/role.h"
#include "daemons/gatewayd/authz/rules.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// An agent's three sets as they stand, sorted, and as the gateway understands them.
struct AgentRules {
  std::vector<std::string> allowed, blocked, roles;
  gateway::SenderRules rules;
  bool all_are_sets = true;  ///< false: a key is of another type, and `rules.problem` names it
};

/// Appends what read_rules needs to ask: three commands.
void append_rules_query(redis::Command& command, const Keys& keys, std::string_view id);
/// @param replies the three answers. A set of another type makes unreadable rules, as it does in the gateway.
AgentRules rules_of(std::span<const Value> replies);

Result<AgentRules> read_rules(SyncRedis& redis, const Keys& keys, std::string_view id);

/// Reads roles by name. @return one per name; a role that does not exist has no permissions.
struct NamedRole {
  std::vector<std::string> permissions;  ///< as they stand, sorted
  gateway::Role role;
  bool exists = false;
};
Result<std::vector<NamedRole>> read_roles(SyncRedis& redis, const Keys& keys, std::span<const std::string> names);

/// @return the names of all roles, sorted.
Result<std::vector<std::string>> list_roles(SyncRedis& redis, const Keys& keys);
/// @return the ids of all agents that have the role, sorted. Walks all keys.
Result<std::vector<std::string>> agents_with_role(SyncRedis& redis, const Keys& keys, std::string_view role);

}  // namespace mas::ctl
