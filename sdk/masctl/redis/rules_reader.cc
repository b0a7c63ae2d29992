// Sets read in pipelines, and found by SCAN.
#include "sdk/masctl/redis/rules_reader.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "sdk/masctl/redis/bounded_reads.h"

namespace mas::ctl {

namespace {

constexpr size_t kPerPipeline = 1000;

std::vector<std::string> sorted_texts(const Value& set) {
  std::vector<std::string> out;
  for (const auto& element : set.elements) out.push_back(element.text);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

void append_rules_query(redis::Command& command, const Keys& keys, std::string_view id) {
  redis::add_bounded(command, kNames, {"SMEMBERS", keys.allowed_targets(id)});
  redis::add_bounded(command, kNames, {"SMEMBERS", keys.blocked_targets(id)});
  redis::add_bounded(command, kNames, {"SMEMBERS", keys.roles(id)});
}

AgentRules rules_of(std::span<const Value> replies) {
  AgentRules out;
  out.allowed = sorted_texts(replies[0]);
  out.blocked = sorted_texts(replies[1]);
  out.roles = sorted_texts(replies[2]);
  out.rules = gateway::parse_rules(views(out.allowed), views(out.blocked), views(out.roles));
  constexpr std::string_view kSets[] = {"allowed_targets", "blocked_targets", "roles"};
  for (size_t i = 0; i < std::size(kSets); ++i) {
    if (!replies[i].is_error()) continue;
    out.all_are_sets = false;
    out.rules = gateway::unreadable_rules(std::string(kSets[i]) + ": " + printable(replies[i].text, 128));
  }
  return out;
}

Result<AgentRules> read_rules(SyncRedis& redis, const Keys& keys, std::string_view id) {
  redis::Command command;
  append_rules_query(command, keys, id);
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  return rules_of(*replies);
}

Result<std::vector<NamedRole>> read_roles(SyncRedis& redis, const Keys& keys, std::span<const std::string> names) {
  std::vector<NamedRole> roles;
  while (roles.size() < names.size()) {
    auto chunk = names.subspan(roles.size(), std::min(kPerPipeline, names.size() - roles.size()));
    redis::Command command;
    for (const auto& name : chunk) redis::add_bounded(command, kNames, {"SMEMBERS", keys.role_permissions(name)});
    auto replies = redis.ask(command);
    if (!replies.ok()) return replies.error();
    for (size_t i = 0; i < chunk.size(); ++i) {
      const Value& reply = (*replies)[i];
      NamedRole role;
      role.permissions = sorted_texts(reply);
      role.exists = reply.is_error() || !role.permissions.empty();
      role.role = reply.is_error() ? gateway::Role::unreadable(chunk[i], printable(reply.text, 128))
                                   : gateway::Role::parse(chunk[i], views(role.permissions));
      roles.push_back(std::move(role));
    }
  }
  return roles;
}

Result<std::vector<std::string>> list_roles(SyncRedis& redis, const Keys& keys) {
  return names_matching(redis, keys.role_scan_pattern(), "set",
                        [&](std::string_view key) { return keys.role_of_permissions(key); });
}

Result<std::vector<std::string>> agents_with_role(SyncRedis& redis, const Keys& keys, std::string_view role) {
  auto found = names_matching(redis, keys.roles_scan_pattern(), "set",
                              [&](std::string_view key) { return keys.agent_id_of_roles(key); });
  if (!found.ok()) return found.error();
  const std::vector<std::string>& ids = *found;
  std::vector<std::string> with;
  for (size_t at = 0; at < ids.size(); at += kPerPipeline) {
    size_t count = std::min(kPerPipeline, ids.size() - at);
    redis::Command command;
    for (size_t i = 0; i < count; ++i) command.add("SISMEMBER", keys.roles(ids[at + i]), role);
    auto replies = redis.ask(command);
    if (!replies.ok()) return replies.error();
    for (size_t i = 0; i < count; ++i)
      if ((*replies)[i].integer == 1) with.push_back(ids[at + i]);
  }
  return with;
}

}  // namespace mas::ctl
