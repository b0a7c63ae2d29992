// Sets read in pipelines, and found by SCAN.
#include "sdk/masctl/redis/rules_reader.h"

#include <algorithm>
#include <functional>

#include "proto/base/ids.h"

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

/// Calls `take` with each key that matches, once per key of a type.
Status scan(SyncRedis& redis, const std::string& pattern, const std::function<void(const std::string&)>& take) {
  std::string cursor = "0";
  do {
    auto page = redis.ask_one(redis::Command("SCAN", cursor, "MATCH", pattern, "COUNT", 1000, "TYPE", "set"));
    if (!page.ok()) return page.error();
    if (page->elements.size() != 2) return Error{Errc::kProtocol, "SCAN answered something that is not a page"};
    cursor = page->elements[0].text;
    for (const auto& key : page->elements[1].elements) take(key.text);
  } while (cursor != "0");
  return {};
}

void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // SCAN may name a key twice
}

}  // namespace

void append_rules_query(redis::Command& command, const Keys& keys, std::string_view id) {
  command.add("SMEMBERS", keys.allowed_targets(id));
  command.add("SMEMBERS", keys.blocked_targets(id));
  command.add("SMEMBERS", keys.roles(id));
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
    for (const auto& name : chunk) command.add("SMEMBERS", keys.role_permissions(name));
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
  std::vector<std::string> names;
  auto status = scan(redis, keys.role_scan_pattern(),
                     [&](const auto& key) { names.emplace_back(keys.role_of_permissions(key)); });
  if (!status.ok()) return status.error();
  sort_unique(names);
  return names;
}

Result<std::vector<std::string>> agents_with_role(SyncRedis& redis, const Keys& keys, std::string_view role) {
  std::vector<std::string> ids;
  auto status =
      scan(redis, keys.roles_scan_pattern(), [&](const auto& key) { ids.emplace_back(keys.agent_id_of_roles(key)); });
  if (!status.ok()) return status.error();
  sort_unique(ids);
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
