// What agents may do, and the form of a rule list. Daemons and operators: staff_rules.cc.
#include "proto/users/user_rules.h"

#include <algorithm>

#include "proto/users/staff_rules.h"
#include "proto/wire/agent_functions.h"

namespace mas {
namespace {

using Texts = std::vector<std::string>;

/// One selector of Redis 7: `commands` are allowed together on `patterns` (of keys `~` and channels `&`).
std::string grant(std::string_view commands, const Texts& patterns) {
  std::string selector = "(" + std::string(commands);
  for (const auto& pattern : patterns) selector.append(" ").append(pattern);
  return selector + ")";
}

std::string key(const std::string& name) { return "~" + name; }
std::string read_key(const std::string& name) { return "%R~" + name; }
std::string channel(const std::string& name) { return "&" + name; }

/// The streams that the agent reads by name; those of replies have the instance in their names.
Texts lane_streams(const Keys& keys, const std::string& id) {
  Texts streams;
  for (Lane lane : kLanes) streams.push_back(key(keys.inbox(id, lane, 0)));
  return streams;
}

/// What registration is made of, and what the function that takes it back needs.
Texts registration(const Keys& keys, const std::string& id) {
  return {key(keys.agent(id)), key(keys.heartbeat(id)), key(keys.instances(id)), key(keys.alive(id, "*"))};
}

void add_self(Texts& rules, const Keys& keys, const std::string& id) {
  rules.push_back(grant("+hset +hsetnx +hget +hstrlen +hdel +del", {key(keys.agent(id))}));
  rules.push_back(grant("+set +pexpire +pttl +exists +del", {key(keys.heartbeat(id)), key(keys.alive(id, "*"))}));
  rules.push_back(grant("+hset +hget +hlen +hrandfield +hdel +del", {key(keys.instances(id))}));
  rules.push_back(grant("+hgetall +hkeys +hlen +hstrlen +memory|usage +hset +hdel +del", {key(keys.state(id))}));
  rules.push_back(grant("+exists", {read_key(keys.lease("healthd"))}));
  rules.push_back(grant("+publish", {channel(keys.system_channel())}));
}

void add_gateway(Texts& rules, const RedisSite& site, const std::string& id) {
  const Keys& keys = site.keys;
  const std::string replies = key(keys.reply_inbox(id, "*", 0));
  Texts streams = lane_streams(keys, id);
  streams.push_back(replies);
  rules.push_back(grant(
      "+xreadgroup +xack +xdel +xclaim +xpending +xinfo|consumers +xinfo|groups +xgroup|create +xgroup|delconsumer",
      streams));
  rules.push_back(grant("+pexpire +del", {replies}));
  Texts lists;
  for (unsigned partition : site.partitions_of(id)) lists.push_back(key(keys.ingress(partition)));
  rules.push_back(grant("+rpush", lists));
  rules.push_back(grant("+hget +hmget", {read_key(keys.config())}));
  rules.push_back(grant("+subscribe", {channel(keys.receipts(id, "*"))}));
}

void add_peer(Texts& rules, const Keys& keys, const std::string& id) {
  const bool cluster = keys.layout() == KeyLayout::kCluster;
  rules.push_back(grant(cluster ? "+ssubscribe +sunsubscribe" : "+subscribe", {channel(keys.channel(id))}));
  rules.push_back(grant(cluster ? "+spublish" : "+publish", {channel(keys.channel("*"))}));
}

/// Functions of the library check the caller's rights for each command inside.
void add_functions(Texts& rules, const Keys& keys, const UserRecord& record) {
  Texts patterns = registration(keys, record.id);
  if (record.modes != AgentModes::kPeer)
    for (auto& stream : lane_streams(keys, record.id)) patterns.push_back(std::move(stream));
  rules.push_back(grant("+fcall", patterns));
}

void add_discovery(Texts& rules, const Keys& keys) {
  rules.push_back(grant("+exists", {read_key(keys.index_ready())}));
  rules.push_back(
      grant("+scard +sscan +sinter", {read_key(keys.agents_index()), read_key(keys.capability_index("*"))}));
  rules.push_back(grant("+hstrlen +hmget", {read_key(keys.agent("*"))}));
}

Texts agent_permissions(const UserRecord& record, const RedisSite& site) {
  Texts rules = {"+ping", "+time", "+hello", "+auth", "+client|setname", "+multi", "+exec", "+unsubscribe"};
  if (site.selects) rules.push_back("+select");
  if (site.sentinel) rules.push_back("+role");
  if (site.keys.layout() == KeyLayout::kCluster)
    for (const char* command : {"+asking", "+cluster|shards", "+cluster|slots", "+cluster|nodes"})
      rules.push_back(command);
  add_self(rules, site.keys, record.id);
  if (record.modes != AgentModes::kPeer) add_gateway(rules, site, record.id);
  if (record.modes != AgentModes::kGateway) add_peer(rules, site.keys, record.id);
  add_functions(rules, site.keys, record);
  if (record.discover) add_discovery(rules, site.keys);
  return rules;
}

}  // namespace

std::string redis_user_name(const Keys& keys, const UserRecord& record) {
  return keys.prefix() + user_field(record.role, record.id);
}

std::vector<unsigned> RedisSite::partitions_of(std::string_view sender) const {
  std::vector<unsigned> all = {partition_of(sender, partitions)};
  for (unsigned other : other_partitions)
    if (unsigned one = partition_of(sender, other); std::find(all.begin(), all.end(), one) == all.end())
      all.push_back(one);
  return all;
}

std::vector<std::string> user_permissions(const UserRecord& record, const RedisSite& site) {
  return record.role == UserRole::kAgent ? agent_permissions(record, site) : staff_permissions(record.role, site.keys);
}

std::vector<std::string> acl_setuser_rules(const UserRecord& record, const RedisSite& site, int64_t now) {
  Texts rules = {"reset", "on", "#" + to_hex(record.password)};
  if (record.password_old && record.password_old_until > now) rules.push_back("#" + to_hex(*record.password_old));
  for (const char* nothing : {"resetkeys", "resetchannels", "-@all"}) rules.push_back(nothing);
  for (auto& rule : user_permissions(record, site)) rules.push_back(std::move(rule));
  return rules;
}

}  // namespace mas
