// The hash of the records, and ACL commands.
#include "sdk/masctl/redis/user_store.h"

#include <algorithm>

#include "proto/redis/replicas.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

using Commands = std::vector<redis::Command>;

/// @return why not.
std::optional<Error> tell_replica(const Settings& settings, const redis::Node& node, const Commands& commands) {
  Settings own = settings;
  own.endpoint = redis::endpoint_of(settings.endpoint, node);
  SyncRedis replica(own);
  for (const auto& command : commands)
    if (auto answer = replica.ask_one(command); !answer.ok()) return answer.error();
  return std::nullopt;
}

/// To every primary and its replicas. All primaries are told first, since they say who their replicas are.
Result<std::vector<std::string>> tell_all(SyncRedis& redis, const Settings& settings, const Commands& commands) {
  auto primaries = redis.primaries();
  if (!primaries.ok()) return primaries.error();
  for (const auto& node : *primaries)
    for (const auto& command : commands)
      if (auto answer = redis.ask_node(node, command); !answer.ok()) return answer.error();
  std::vector<std::string> untold;
  for (const auto& node : *primaries) {
    auto info = redis.ask_node(node, redis::Command("INFO", "replication"));
    if (!info.ok()) {
      untold.push_back("replicas: " + info.error().message);
      continue;
    }
    for (const auto& replica : redis::replicas_of(info->text))
      if (auto why = tell_replica(settings, replica, commands))
        untold.push_back("replica " + replica.text() + ": " + why->message);
  }
  return untold;
}

}  // namespace

Result<UserRecord> load_user(SyncRedis& redis, const Keys& keys, UserRole role, const std::string& id, bool watched) {
  const std::string key = keys.users(), field = user_field(role, id);
  redis::Command command;
  if (watched) command.add("WATCH", key);
  command.add("HGET", key, field);
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  const Value& value = replies->back();
  if (value.is_error()) return value.error();
  if (value.is_nil()) return Error{Errc::kNotFound, "'" + field + "' is not enrolled"};
  return parse_user_record(field, value.text);
}

Result<std::vector<ListedUser>> list_users(SyncRedis& redis, const Keys& keys) {
  auto all = redis.ask_one(redis::Command("HGETALL", keys.users()));
  if (!all.ok()) return all.error();
  auto texts = all->texts();
  std::vector<ListedUser> users;
  for (size_t i = 0; i + 1 < texts.size(); i += 2)
    users.push_back({std::string(texts[i]), parse_user_record(texts[i], texts[i + 1])});
  std::sort(users.begin(), users.end(), [](const auto& a, const auto& b) { return a.field < b.field; });
  return users;
}

Status store_user(SyncRedis& redis, const Keys& keys, const UserRecord& record, const Identity* identity,
                  const OperatorNote& note) {
  redis::Command command("HSET", keys.users(), user_field(record.role, record.id), user_record_json(record));
  if (identity != nullptr) {
    const std::string key = keys.identity(identity->id);
    std::vector<std::string> args = {"HSET", key};
    for (auto& [name, value] : identity_fields(*identity)) args.insert(args.end(), {name, value});
    command.add("DEL", key);
    command.add(redis::Command::of(args));
  }
  append_operator_record(command, keys, note.who, note.action, record.id, note.detail);
  auto done = transact(redis, command);
  if (!done.ok()) return done.error();
  return {};
}

Result<RedisSite> read_site(SyncRedis& redis, const Settings& settings) {
  auto field = read_partitions_field(redis, settings.keys);
  if (!field.ok()) return field.error();
  RedisSite site{settings.keys};
  if (field->agreed > 0) site.partitions = field->agreed;
  if (field->changing) {
    site.partitions = field->changing->to;
    site.other_partitions = {field->changing->most};
  }
  site.selects = settings.endpoint.db != 0;
  site.sentinel = settings.endpoint.topology == redis::Topology::kSentinel;
  return site;
}

Result<std::vector<std::string>> apply_user(SyncRedis& redis, const Settings& settings, const RedisSite& site,
                                            const UserRecord& record, bool cut, int64_t now) {
  const std::string name = redis_user_name(site.keys, record);
  Commands commands;
  if (!user_is_good(record, now)) {
    commands.emplace_back("ACL", "DELUSER", name);
    return tell_all(redis, settings, commands);
  }
  std::vector<std::string> args = {"ACL", "SETUSER", name};
  for (auto& rule : acl_setuser_rules(record, site, now)) args.push_back(std::move(rule));
  commands.push_back(redis::Command::of(args));
  if (cut) commands.emplace_back("CLIENT", "KILL", "USER", name);
  return tell_all(redis, settings, commands);
}

Result<bool> redis_has_user(SyncRedis& redis, const Keys& keys, const UserRecord& record) {
  auto primaries = redis.primaries();
  if (!primaries.ok()) return primaries.error();
  auto user = redis.ask_node(primaries->front(), redis::Command("ACL", "GETUSER", redis_user_name(keys, record)));
  if (!user.ok()) return user.error();
  return !user->is_nil();
}

}  // namespace mas::ctl
