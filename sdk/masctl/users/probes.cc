// The matrix, by role.
#include "sdk/masctl/users/probes.h"

#include <utility>

#include "proto/wire/agent_functions.h"

namespace mas::ctl {

namespace {

using Texts = std::vector<std::string>;

class Matrix {
 public:
  void may(std::string area, Texts command) { add(std::move(area), true, std::move(command)); }
  void may_not(std::string area, Texts command) { add(std::move(area), false, std::move(command)); }
  /// Each command with each key as its first argument.
  void may_not(const std::string& area, const Texts& keys, const std::vector<Texts>& commands) {
    for (const auto& key : keys)
      for (Texts command : commands) {
        command.insert(command.begin() + 1, key);
        may_not(area, std::move(command));
      }
  }
  void expect(bool may, std::string area, Texts command) { add(std::move(area), may, std::move(command)); }

  std::vector<Probe> take() { return std::move(probes_); }

 private:
  void add(std::string area, bool may, Texts command) { probes_.push_back({std::move(area), may, std::move(command)}); }

  std::vector<Probe> probes_;
};

const std::vector<Texts> kChanges = {{"DEL"},
                                     {"SET", "x"},
                                     {"HSET", "f", "x"},
                                     {"SADD", "x"},
                                     {"RPUSH", "x"},
                                     {"XADD", "*", "f", "x"},
                                     {"ZADD", "0", "x"},
                                     {"PEXPIRE", "1"}};
const std::vector<Texts> kReads = {{"GET"}, {"HGETALL"}, {"SMEMBERS"}, {"LRANGE", "0", "-1"}, {"XRANGE", "-", "+"},
                                   {"XLEN"}};

/// Names that begin as this agent's, or have nothing to do with it.
Texts other_agents(const std::string& id) {
  Texts others = {"zz-another"};
  if (id.size() + 2 <= 128) others.push_back(id + "-2");
  if (id.size() > 1) others.push_back(id.substr(0, id.size() - 1));
  return others;
}

/// What rules say about an agent, which it must not touch.
Texts rules_about(const Keys& keys, const std::string& id) {
  return {keys.blocked_targets(id), keys.allowed_targets(id), keys.roles(id),
          keys.limits(id),          keys.circuit(id),         keys.identity(id)};
}

Texts of_gateways(const Keys& keys, unsigned partition) {
  return {keys.audit(partition),
          keys.archive(partition),
          keys.senders(partition),
          keys.retries(partition),
          keys.partition_epoch(partition),
          keys.partition_lease(partition),
          keys.trial(partition),
          keys.audit_heads(),
          keys.operator_audit(),
          keys.dead_letters(),
          keys.unproven(),
          keys.replays(),
          keys.held(),
          keys.approvals(),
          keys.secret(),
          keys.users()};
}

void add_administration(Matrix& matrix, const RedisSite& site) {
  const std::string area = "administration of Redis";
  for (const Texts& command : std::vector<Texts>{{"EVAL", "return 1", "0"},
                                                 {"EVALSHA", std::string(40, '0'), "0"},
                                                 {"SCRIPT", "LOAD", "return 1"},
                                                 {"SCRIPT", "FLUSH"},
                                                 {"FUNCTION", "LOAD", "x"},
                                                 {"FUNCTION", "DELETE", "x"},
                                                 {"FUNCTION", "FLUSH"},
                                                 {"CONFIG", "GET", "*"},
                                                 {"CONFIG", "SET", "maxmemory", "1"},
                                                 {"ACL", "SETUSER", "x"},
                                                 {"ACL", "LIST"},
                                                 {"ACL", "GETUSER", "default"},
                                                 {"CLIENT", "LIST"},
                                                 {"CLIENT", "KILL", "TYPE", "normal"},
                                                 {"CLIENT", "PAUSE", "1"},
                                                 {"CLIENT", "TRACKING", "on"},
                                                 {"KEYS", "*"},
                                                 {"SCAN", "0"},
                                                 {"RANDOMKEY"},
                                                 {"DBSIZE"},
                                                 {"FLUSHALL"},
                                                 {"FLUSHDB"},
                                                 {"SWAPDB", "0", "1"},
                                                 {"MONITOR"},
                                                 {"INFO"},
                                                 {"SHUTDOWN"},
                                                 {"DEBUG", "SLEEP", "0"},
                                                 {"SAVE"},
                                                 {"BGREWRITEAOF"},
                                                 {"REPLICAOF", "NO", "ONE"},
                                                 {"SLOWLOG", "RESET"},
                                                 {"MODULE", "LIST"},
                                                 {"PUBSUB", "CHANNELS"},
                                                 {"PSUBSCRIBE", "*"},
                                                 {"WAIT", "1", "0"}})
    matrix.may_not(area, command);
  matrix.expect(site.selects, area, {"SELECT", "1"});
}

void add_own(Matrix& matrix, const Keys& keys, const std::string& id) {
  const std::string area = "its registration and state";
  matrix.may(area, {"HSET", keys.agent(id), "id", id});
  matrix.may(area, {"DEL", keys.agent(id)});
  matrix.may(area, {"SET", keys.heartbeat(id), "1", "PX", "1"});
  matrix.may(area, {"SET", keys.alive(id, "x"), "1", "PX", "1"});
  matrix.may(area, {"HSET", keys.instances(id), "x", "{}"});
  matrix.may(area, {"HSET", keys.state(id), "x", "1"});
  matrix.may(area, {"HGETALL", keys.state(id)});
  matrix.may(area, {"EXISTS", keys.lease("healthd")});
  matrix.may(area, {"PUBLISH", keys.system_channel(), "{}"});
  matrix.may(area, {"FCALL", std::string(kTakeBackFunction.name), "4", keys.agent(id), keys.heartbeat(id),
                    keys.instances(id), keys.alive(id, "x")});
  matrix.may_not("what rules say about it", rules_about(keys, id), kChanges);
  matrix.may_not("what rules say about it", rules_about(keys, id), {{"SREM", "x"}, {"HDEL", "f"}, {"HGETALL"}});
  matrix.may_not("copies over what rules say", {"COPY", keys.alive(id, "x"), keys.blocked_targets(id), "REPLACE"});
  matrix.may_not("copies over what rules say", {"RENAME", keys.alive(id, "x"), keys.blocked_targets(id)});
}

void add_others(Matrix& matrix, const RedisSite& site, const std::string& id, bool discover) {
  const Keys& keys = site.keys;
  for (const auto& other : other_agents(id)) {
    const Texts theirs = {keys.agent(other), keys.heartbeat(other), keys.instances(other), keys.alive(other, "x"),
                          keys.state(other)};
    matrix.may_not("another agent's registration and state", theirs, kChanges);
    matrix.may_not("another agent's registration and state", theirs, {{"HGETALL"}, {"GET"}, {"HGET", "token"}});
    matrix.may_not("another agent's registration and state",
                   {"FCALL", std::string(kTakeBackFunction.name), "4", keys.agent(other), keys.heartbeat(other),
                    keys.instances(other), keys.alive(other, "x")});
    const Texts streams = {keys.inbox(other, Lane::kNormal, 0), keys.inbox(other, Lane::kCritical, 0),
                           keys.reply_inbox(other, "x", 0)};
    matrix.may_not("another agent's messages", streams, kChanges);
    matrix.may_not("another agent's messages", streams,
                   {{"XRANGE", "-", "+"},
                    {"XDEL", "1-1"},
                    {"XACK", "agents", "1-1"},
                    {"XCLAIM", "agents", "me", "0", "1-1"},
                    {"XPENDING", "agents"}});
    for (const auto& stream : streams)
      matrix.may_not("another agent's messages", {"XREADGROUP", "GROUP", "agents", "me", "STREAMS", stream, ">"});
    matrix.may_not("another agent's rules", rules_about(keys, other), kChanges);
    matrix.may_not("another agent's channels", {"SUBSCRIBE", keys.channel(other)});
    matrix.may_not("another agent's channels", {"SUBSCRIBE", keys.receipts(other, "x")});
    matrix.may_not("another agent's channels", {"PUBLISH", keys.receipts(other, "x"), "x"});
    matrix.expect(discover, "discovery", {"HMGET", keys.agent(other), "id", "status"});
  }
  matrix.expect(discover, "discovery", {"SINTER", keys.agents_index(), keys.capability_index("x")});
  matrix.may_not("the index", {keys.agents_index(), keys.capability_index("x"), keys.index_ready()}, kChanges);
}

void add_gateway(Matrix& matrix, const RedisSite& site, const std::string& id, bool gateway) {
  const Keys& keys = site.keys;
  const std::string area = "its way through gateways", normal = keys.inbox(id, Lane::kNormal, 0);
  const unsigned partition = partition_of(id, site.partitions);
  matrix.expect(gateway, area, {"RPUSH", keys.ingress(partition), "x"});
  matrix.expect(gateway, area, {"SUBSCRIBE", keys.receipts(id, "x")});
  matrix.expect(gateway, area, {"PEXPIRE", keys.reply_inbox(id, "x", 0), "1"});
  matrix.expect(gateway, area, {"HMGET", keys.config(), "partitions"});
  matrix.expect(gateway, area, {"FCALL", std::string(kClaimFunction.name), "1", normal});
  for (Lane lane : kLanes) {
    const std::string stream = keys.inbox(id, lane, 0);
    matrix.expect(gateway, area, {"XREADGROUP", "GROUP", "agents", "me", "STREAMS", stream, ">"});
    matrix.expect(gateway, area, {"XACK", stream, "agents", "1-1"});
    matrix.may_not("writing into its own streams", {stream},
                   {{"XADD", "*", "b", "x"}, {"XTRIM", "MAXLEN", "0"}, {"DEL"}});
  }
  const Texts lists = {keys.ingress(partition)};
  matrix.may_not("what waits for gateways", lists,
                 {{"LRANGE", "0", "-1"},
                  {"LPOP"},
                  {"LTRIM", "1", "0"},
                  {"DEL"},
                  {"LPUSH", "x"},
                  {"LSET", "0", "x"},
                  {"LREM", "0", "x"},
                  {"LLEN"}});
  if (site.partitions > 1)
    matrix.may_not("what waits for gateways", {"RPUSH", keys.ingress((partition + 1) % site.partitions), "x"});
  matrix.may_not("what gateways keep", of_gateways(keys, partition), kChanges);
  matrix.may_not("what gateways keep", of_gateways(keys, partition), kReads);
  matrix.may_not("settings", {keys.config(), keys.role_permissions("x"), keys.lease("registryd"), keys.daemons()},
                 kChanges);
  matrix.may_not("receipts", {"PUBLISH", keys.receipts(id, "x"), "x"});
  matrix.may_not("events", {"SUBSCRIBE", keys.system_channel()});
}

void add_peer(Matrix& matrix, const Keys& keys, const std::string& id, bool peer) {
  const bool cluster = keys.layout() == KeyLayout::kCluster;
  matrix.expect(peer, "peer-to-peer messages", {cluster ? "SSUBSCRIBE" : "SUBSCRIBE", keys.channel(id)});
  matrix.expect(peer, "peer-to-peer messages", {cluster ? "SPUBLISH" : "PUBLISH", keys.channel("zz-another"), "x"});
}

std::vector<Probe> agent_probes(const UserRecord& record, const RedisSite& site) {
  Matrix matrix;
  add_own(matrix, site.keys, record.id);
  add_others(matrix, site, record.id, record.discover);
  add_gateway(matrix, site, record.id, record.modes != AgentModes::kPeer);
  add_peer(matrix, site.keys, record.id, record.modes != AgentModes::kGateway);
  add_administration(matrix, site);
  return matrix.take();
}

/// What a role must be able to do, and what it must not: one or two of each kind.
std::vector<Probe> staff_probes(UserRole role, const Keys& keys) {
  Matrix matrix;
  const bool gateway = role == UserRole::kGatewayd, registry = role == UserRole::kRegistryd;
  const bool health = role == UserRole::kHealthd, admin = role == UserRole::kAdmin;
  const bool changes_rules = role == UserRole::kOperator || admin;
  const bool daemon = gateway || registry || health;
  matrix.expect(gateway || admin, "delivery", {"XADD", keys.inbox("x", Lane::kNormal, 0), "*", "b", "x"});
  matrix.expect(gateway || admin, "the audit", {"XADD", keys.audit(0), "*", "b", "x"});
  matrix.expect(!registry && !health, "the audit", {"XRANGE", keys.audit(0), "-", "+"});
  matrix.expect(!registry && !health, "the audit", {"XREAD", "STREAMS", keys.audit(0), "0"});
  matrix.expect(!gateway && !health, "the registry, by scripts", {"EVAL", "return 1", "1", keys.agents_index()});
  matrix.expect(registry || admin, "users, by scripts", {"EVAL", "return 1", "1", keys.users()});
  matrix.expect(admin, "passwords of the server", {"CONFIG", "GET", "requirepass"});
  matrix.expect(admin, "passwords of the server", {"CONFIG", "GET", "masterauth"});
  matrix.expect(changes_rules, "rules", {"SADD", keys.blocked_targets("x"), "y"});
  matrix.expect(changes_rules, "rules", {"SADD", keys.role_permissions("x"), "y"});
  matrix.expect(gateway || changes_rules, "verdicts on held messages", {"RPUSH", keys.approvals(), "x"});
  matrix.expect(!registry && !health, "held messages", {"XRANGE", keys.held(), "-", "+"});
  matrix.expect(gateway || admin, "held messages", {"XADD", keys.held(), "*", "f", "x"});
  matrix.expect(gateway || admin, "held messages", {"XDEL", keys.held(), "1-1"});
  matrix.expect(changes_rules, "the record of operators", {"XADD", keys.operator_audit(), "*", "who", "x"});
  matrix.expect(admin, "the record of operators", {"XTRIM", keys.operator_audit(), "MAXLEN", "0"});
  matrix.expect(admin, "identities", {"HSET", keys.identity("x"), "state", "x"});
  matrix.expect(gateway || admin, "identities", {"HGETALL", keys.identity("x")});
  matrix.expect(admin, "users", {"HSET", keys.users(), "x", "y"});
  matrix.expect(registry || admin, "users", {"HSCAN", keys.users(), "0"});
  matrix.expect(registry || admin, "users", {"ACL", "SETUSER", "x"});
  matrix.expect(gateway || admin, "secrets", {"GET", keys.secret()});
  matrix.expect(registry || admin, "the index", {"SADD", keys.agents_index(), "x"});
  matrix.expect(health || admin, "liveness", {"HSET", keys.agent("x"), "status", "INACTIVE"});
  matrix.expect(daemon || admin, "daemons", {"SADD", keys.daemons(), "x"});
  for (const Texts& command : std::vector<Texts>{{"FLUSHALL"},
                                                 {"SHUTDOWN"},
                                                 {"DEBUG", "SLEEP", "0"},
                                                 {"MONITOR"},
                                                 {"CONFIG", "SET", "maxmemory", "1"},
                                                 {"REPLICAOF", "NO", "ONE"},
                                                 {"MODULE", "LIST"},
                                                 {"FUNCTION", "FLUSH"}})
    matrix.expect(admin && command[0] == "FUNCTION", "administration of Redis", command);
  return matrix.take();
}

}  // namespace

std::vector<Probe> probes_of(const UserRecord& record, const RedisSite& site) {
  return record.role == UserRole::kAgent ? agent_probes(record, site) : staff_probes(record.role, site.keys);
}

}  // namespace mas::ctl
