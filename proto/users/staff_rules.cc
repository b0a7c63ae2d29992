// Users of daemons, and of masctl's roles.
#include "proto/users/staff_rules.h"

#include <sstream>

#include "proto/wire/replayed.h"

namespace mas {
namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view kConnection =
    "+ping +time +hello +auth +role +select +info +client|setname +client|id +multi +exec +watch +unwatch "
    "+cluster|shards +cluster|slots +cluster|nodes +asking +scan +subscribe +unsubscribe +ssubscribe +sunsubscribe";

constexpr std::string_view kReads =
    "+type +exists +pttl +get +strlen +memory|usage +hget +hmget +hgetall +hkeys +hlen +hstrlen +hrandfield +hscan "
    "+scard +smembers +sismember +sscan +sinter +srandmember +llen +lrange +lpos +xlen +xrange +xrevrange +xread "
    "+xpending +xinfo|stream +xinfo|groups +xinfo|consumers +zcard +zrange +zrangebyscore +zscore";

constexpr std::string_view kWrites =
    "+set +del +unlink +incr +pexpire +hset +hsetnx +hdel +sadd +srem +rpush +lrem +ltrim +blmove +xadd +xdel +xtrim "
    "+xack "
    "+xclaim +xgroup|create +xgroup|delconsumer +zadd +zrem +zunionstore";

void add_words(Texts& rules, std::string_view words) {
  std::istringstream in{std::string(words)};
  for (std::string word; in >> word;) rules.push_back(word);
}

std::string selector(std::string_view commands, std::string_view mark, const Texts& names) {
  std::string text = "(" + std::string(commands);
  for (const auto& name : names) text.append(" ").append(mark).append(name);
  return text + ")";
}

/// The names of all partitions, from that of the first.
std::string each_partition(std::string name) { return name.replace(name.rfind("{0}"), 3, "{*}"); }

/// A daemon: it reads `reads`, reads and writes `writes`, publishes events, and keeps the agents' functions loaded.
Texts daemon(const Keys& keys, std::string_view name, Texts reads, Texts writes) {
  Texts rules;
  add_words(rules, kConnection);
  add_words(rules, "+function|list +function|load");
  for (auto own : {keys.daemons(), keys.daemon(name, "*"), keys.config()}) writes.push_back(std::move(own));
  reads.insert(reads.end(), writes.begin(), writes.end());
  rules.push_back(selector("+eval", "~", reads));
  rules.push_back(selector(kReads, "%R~", reads));
  rules.push_back(selector(kWrites, "~", writes));
  rules.push_back(selector("+publish +subscribe", "&", {keys.system_channel()}));
  return rules;
}

/// What gateways write for each partition, its lease apart.
void add_partitions(Texts& all, const Keys& keys) {
  for (const auto& key : {keys.partition_epoch(0), keys.ingress(0), keys.senders(0), keys.audit(0), keys.archive(0),
                          keys.trial(0), keys.retries(0)})
    all.push_back(each_partition(key));
}

Texts gatewayd(const Keys& keys) {
  const Texts facts = {keys.agent("*"), keys.identity("*"),    keys.role_permissions("*"), keys.limits("*"),
                       keys.lease("*"), keys.daemon("*", "*"), keys.instances("*")};
  Texts own = {keys.inbox("*", Lane::kNormal, 0),
               each_partition(keys.partition_lease(0)),
               keys.audit_heads(),
               keys.replays(),
               keys.dead_letters(),
               keys.unproven(),
               keys.held(),
               keys.approvals(),
               keys.secret(),
               keys.circuit("*")};
  add_partitions(own, keys);
  Texts rules = daemon(keys, "gatewayd", facts, own);
  add_words(rules, "+client|tracking +client|caching +wait");
  rules.push_back(selector("+publish +subscribe", "&", {keys.receipts("*", "*")}));
  rules.push_back(selector("+subscribe", "&", {"__redis__:invalidate"}));
  return rules;
}

Texts registryd(const Keys& keys) {
  Texts rules = daemon(keys, "registryd", {keys.agent("*"), keys.users()},
                       {keys.agents_index(), keys.capability_index("*"), keys.index_ready(), keys.lease("registryd")});
  add_words(rules, "+acl|getuser +acl|setuser +acl|deluser +client|kill");
  return rules;
}

/// It sets one field of entries. What rules say lies beside them, in sets, which HSET does not change.
Texts healthd(const Keys& keys) {
  Texts rules = daemon(keys, "healthd",
                       {keys.agent("*"), keys.daemon("*", "*"), keys.lease("*"), keys.inbox("*", Lane::kNormal, 0)},
                       {keys.lease("healthd")});
  rules.push_back(selector("+hset", "~", {keys.agent("*")}));
  rules.push_back(selector("+subscribe", "&", {"__keyevent@*__:expired", "__keyevent@*__:set"}));
  return rules;
}

/// What anyone may read who looks after the system: everything but secrets, identities and users.
Texts readable(const Keys& keys) {
  Texts all = {keys.agent("*"),
               keys.state("*"),
               keys.inbox("*", Lane::kNormal, 0),
               keys.agents_index(),
               keys.capability_index("*"),
               keys.index_ready(),
               keys.config(),
               keys.lease("*"),
               keys.daemons(),
               keys.daemon("*", "*"),
               keys.audit_heads(),
               keys.operator_audit(),
               keys.replays(),
               keys.dead_letters(),
               keys.unproven(),
               keys.held(),
               keys.approvals(),
               keys.role_permissions("*"),
               keys.limits("*"),
               keys.circuit("*")};
  add_partitions(all, keys);
  return all;
}

/// No CONFIG GET: it tells the passwords of the server's configuration, and Redis cannot allow single parameters.
/// @param changed also readable, and in scripts changeable.
Texts reader(const Keys& keys, const Texts& changed) {
  Texts rules, all = readable(keys);
  add_words(rules, kConnection);
  add_words(rules, "+pubsub|numsub +function|list");
  rules.push_back(selector(kReads, "%R~", all));
  // masctl reads by scripts. EVAL itself asks for keys that may be written; what a script does is checked command by
  // command, so it may do no more than its caller.
  all.insert(all.end(), changed.begin(), changed.end());
  rules.push_back(selector("+eval", "~", all));
  rules.push_back(selector("+subscribe", "&", {keys.system_channel()}));
  return rules;
}

/// Rules, limits, circuits, dead letters, replays, verdicts; no identities, no users. What is held, gateways change.
Texts operator_rules(const Keys& keys) {
  const Texts changed = {keys.allowed_targets("*"),  keys.blocked_targets("*"), keys.roles("*"),
                         keys.role_permissions("*"), keys.limits("*"),          keys.circuit("*"),
                         keys.dead_letters(),        keys.unproven(),           keys.replays(),
                         keys.replay_progress(),     keys.approvals()};
  Texts rules = reader(keys, changed);
  rules.push_back(selector("+hset +hdel +del +sadd +srem +rpush +lrem +xdel", "~", changed));
  rules.push_back(selector("+xadd", "~", {keys.operator_audit()}));
  rules.push_back(selector("+publish", "&", {keys.system_channel()}));
  return rules;
}

/// Everything in the namespace, and users. Whoever may write users may give himself all rights.
Texts admin(const Keys& keys) {
  return {"+@all",
          "-@dangerous",
          "-@admin",
          "+acl",
          "+info",
          "+role",
          "+config|get",
          "+client|kill",
          "+client|list",
          "+client|id",
          "+client|setname",
          "+keys",
          "+cluster|shards",
          "+cluster|slots",
          "+cluster|nodes",
          "~" + keys.prefix() + "*",
          "&" + keys.prefix() + "*"};
}

}  // namespace

std::vector<std::string> staff_permissions(UserRole role, const Keys& keys) {
  switch (role) {
    case UserRole::kGatewayd:
      return gatewayd(keys);
    case UserRole::kRegistryd:
      return registryd(keys);
    case UserRole::kHealthd:
      return healthd(keys);
    case UserRole::kAdmin:
      return admin(keys);
    case UserRole::kOperator:
      return operator_rules(keys);
    case UserRole::kAuditor:
      return reader(keys, {});
    case UserRole::kAgent:
      break;
  }
  return {};
}

}  // namespace mas
