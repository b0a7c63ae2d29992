// The hash of the records, and ACL commands.
#include "sdk/masctl/redis/user_store.h"

#include <algorithm>

#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

/// The same command to every primary.
Status ask_primaries(SyncRedis& redis, const redis::Command& command) {
  auto primaries = redis.primaries();
  if (!primaries.ok()) return primaries.error();
  for (const auto& node : *primaries) {
    auto answer = redis.ask_node(node, command);
    if (!answer.ok()) return answer.error();
  }
  return {};
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
  auto partitions = redis.ask_one(redis::Command("HGET", settings.keys.config(), "partitions"));
  if (!partitions.ok()) return partitions.error();
  RedisSite site{settings.keys};
  site.partitions = parse_partitions(partitions->text).value_or(kDefaultPartitions);
  site.selects = settings.endpoint.db != 0;
  site.sentinel = settings.endpoint.topology == redis::Topology::kSentinel;
  return site;
}

Status apply_user(SyncRedis& redis, const RedisSite& site, const UserRecord& record, int64_t now) {
  const std::string name = redis_user_name(site.keys, record);
  if (!user_is_good(record, now)) return ask_primaries(redis, redis::Command("ACL", "DELUSER", name));
  std::vector<std::string> args = {"ACL", "SETUSER", name};
  for (auto& rule : acl_setuser_rules(record, site, now)) args.push_back(std::move(rule));
  return ask_primaries(redis, redis::Command::of(args));
}

Status cut_user(SyncRedis& redis, const Keys& keys, const UserRecord& record) {
  return ask_primaries(redis, redis::Command("CLIENT", "KILL", "USER", redis_user_name(keys, record)));
}

Result<bool> redis_has_user(SyncRedis& redis, const Keys& keys, const UserRecord& record) {
  auto primaries = redis.primaries();
  if (!primaries.ok()) return primaries.error();
  auto user = redis.ask_node(primaries->front(), redis::Command("ACL", "GETUSER", redis_user_name(keys, record)));
  if (!user.ok()) return user.error();
  return !user->is_nil();
}

}  // namespace mas::ctl
