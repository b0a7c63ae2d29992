// ACL rules of Redis users: the exact list of each kind of agent, and what none of them may contain.
#include "proto/users/user_rules.h"

#include <algorithm>

#include "tests/unit/catch.h"

using namespace mas;

namespace {

UserRecord bob(AgentModes modes) {
  UserRecord record;
  record.id = "bob";
  record.modes = modes;
  record.password = sha256("secret");
  return record;
}

std::string joined(const std::vector<std::string>& rules) {
  std::string text;
  for (const auto& rule : rules) text.append(text.empty() ? "" : "\n").append(rule);
  return text;
}

bool has(const std::vector<std::string>& rules, const std::string& rule) {
  return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

const Keys kKeys;

}  // namespace

TEST_CASE("an agent in gateway mode") {
  UserRecord record = bob(AgentModes::kGateway);
  record.discover = false;
  CHECK(joined(user_permissions(record, {kKeys})) == R"(+ping
+time
+hello
+auth
+client|setname
+multi
+exec
+unsubscribe
(+hset +hsetnx +hget +hstrlen +hdel +del ~agent:bob)
(+set +pexpire +pttl +exists +del ~agent:bob:heartbeat ~agent:bob:alive:*)
(+hset +hget +hlen +hrandfield +hdel +del ~agent:bob:instances)
(+hgetall +hkeys +hlen +hstrlen +memory|usage +hset +hdel +del ~agent.state:bob)
(+exists %R~mas.lease:healthd)
(+publish &mas.system)
(+xreadgroup +xack +xdel +xclaim +xpending +xinfo|consumers +xinfo|groups +xgroup|create +xgroup|delconsumer )"
                                                     R"(~agent.stream:bob:critical ~agent.stream:bob:high )"
                                                     R"(~agent.stream:bob ~agent.stream:bob:low )"
                                                     R"(~agent.stream:bob:bulk ~agent.stream:bob:@*)
(+pexpire +del ~agent.stream:bob:@*)
(+rpush ~mas.ingress:{4})
(+hget +hmget %R~mas.config)
(+subscribe &mas.receipts:bob:*)
(+fcall ~agent:bob ~agent:bob:heartbeat ~agent:bob:instances ~agent:bob:alive:* ~agent.stream:bob:critical )"
                                                     R"(~agent.stream:bob:high ~agent.stream:bob )"
                                                     R"(~agent.stream:bob:low ~agent.stream:bob:bulk))");
}

TEST_CASE("an agent in peer-to-peer mode has no stream and no ingress list, and publishes to others") {
  auto rules = user_permissions(bob(AgentModes::kPeer), {kKeys});
  CHECK(has(rules, "(+subscribe &agent.bob)"));
  CHECK(has(rules, "(+exists %R~mas.lease:healthd)"));
  CHECK(has(rules, "(+publish &agent.*)"));
  CHECK(has(rules, "(+fcall ~agent:bob ~agent:bob:heartbeat ~agent:bob:instances ~agent:bob:alive:*)"));
  CHECK(has(rules, "(+hstrlen +hmget %R~agent:*)"));
  CHECK(joined(rules).find("agent.stream") == std::string::npos);
  CHECK(joined(rules).find("mas.ingress") == std::string::npos);
  CHECK(joined(rules).find("mas.receipts") == std::string::npos);
}

TEST_CASE("an agent in gateway mode publishes to nobody") {
  CHECK(joined(user_permissions(bob(AgentModes::kGateway), {kKeys})).find("&agent.") == std::string::npos);
}

TEST_CASE("an agent in both modes has the rules of each") {
  auto both = user_permissions(bob(AgentModes::kBoth), {kKeys});
  for (AgentModes modes : {AgentModes::kGateway, AgentModes::kPeer})
    for (const auto& rule : user_permissions(bob(modes), {kKeys}))
      if (!rule.starts_with("(+fcall")) CHECK(has(both, rule));
}

TEST_CASE("the ingress list is that of the number of partitions") {
  CHECK(has(user_permissions(bob(AgentModes::kBoth), {kKeys, 1}), "(+rpush ~mas.ingress:{0})"));
  CHECK(has(user_permissions(bob(AgentModes::kBoth), {kKeys, 16}),
            "(+rpush ~" + kKeys.ingress(partition_of("bob", 16)) + ")"));
}

TEST_CASE("while the number of partitions is changed, the lists of all that it may be are the agent's, each once") {
  RedisSite site{kKeys, 16};
  site.other_partitions = {16, 1, 1};
  CHECK(partition_of("bob", 16) != 0);
  CHECK(has(user_permissions(bob(AgentModes::kBoth), site),
            "(+rpush ~" + kKeys.ingress(partition_of("bob", 16)) + " ~mas.ingress:{0})"));
}

TEST_CASE("a namespace is in front of every key, channel and name") {
  const Keys keys("team");
  for (AgentModes modes : {AgentModes::kGateway, AgentModes::kPeer, AgentModes::kBoth}) {
    UserRecord record = bob(modes);
    CHECK(redis_user_name(keys, record) == "team/agent.bob");
    for (const auto& rule : user_permissions(record, {keys}))
      for (size_t at = rule.find_first_of("~&"); at != std::string::npos; at = rule.find_first_of("~&", at + 1))
        CHECK(rule.substr(at + 1, 5) == "team/");
  }
  for (UserRole role : {UserRole::kRegistryd, UserRole::kOperator, UserRole::kAuditor, UserRole::kAdmin}) {
    UserRecord record = bob(AgentModes::kBoth);
    record.role = role;
    for (const auto& rule : user_permissions(record, {keys}))
      for (size_t at = rule.find_first_of("~&"); at != std::string::npos; at = rule.find_first_of("~&", at + 1))
        CHECK(rule.substr(at + 1, 5) == "team/");
  }
}

TEST_CASE("no agent has a right that reaches beyond its own") {
  for (AgentModes modes : {AgentModes::kGateway, AgentModes::kPeer, AgentModes::kBoth}) {
    auto rules = acl_setuser_rules(bob(modes), {kKeys, 16, true, true}, 0);
    const std::string text = joined(rules);
    for (const char* never :
         {"+eval", "+script",       "+function",     "+config",      "+acl",      "+@",      "+scan",
          "+keys", "~agent:bob:* ", "~agent:bob:*)", "~*",           "&*",        "allkeys", "allchannels",
          "+xadd", "+lrange",       "nopass",        "mas.identity", "mas.users", ">",       "%W"})
      CHECK(text.find(never) == std::string::npos);
    CHECK(rules[0] == "reset");
    CHECK(has(rules, "-@all"));
  }
}

TEST_CASE("what the place of Redis adds") {
  auto rules = user_permissions(bob(AgentModes::kBoth), {kKeys, 16, true, true});
  CHECK(has(rules, "+select"));
  CHECK(has(rules, "+role"));
  const Keys cluster("", KeyLayout::kCluster);
  rules = user_permissions(bob(AgentModes::kPeer), {cluster});
  CHECK(has(rules, "(+spublish &agent.{*})"));
  CHECK(has(rules, "(+ssubscribe +sunsubscribe &agent.{bob})"));
  CHECK(has(rules, "+cluster|shards"));
}

TEST_CASE("passwords are hashes, and an old one is good until its time") {
  UserRecord record = bob(AgentModes::kBoth);
  record.password_old = sha256("old");
  record.password_old_until = 100;
  CHECK(has(acl_setuser_rules(record, {kKeys}, 99), "#" + to_hex(sha256("old"))));
  CHECK_FALSE(has(acl_setuser_rules(record, {kKeys}, 100), "#" + to_hex(sha256("old"))));
  CHECK(has(acl_setuser_rules(record, {kKeys}, 100), "#" + to_hex(sha256("secret"))));
}

TEST_CASE("an auditor writes nothing and reads no secret, an operator changes no identity and no user") {
  UserRecord record = bob(AgentModes::kBoth);
  record.role = UserRole::kAuditor;
  const std::string auditor = joined(user_permissions(record, {kKeys}));
  for (const char* never :
       {"+set ", "+del", "+hset", "+xadd", "+publish", "+config", "mas.secret", "mas.identity", "mas.users"})
    CHECK(auditor.find(never) == std::string::npos);
  // Scripts alone name keys that may be written, and hold no right to write.
  for (const auto& rule : user_permissions(record, {kKeys}))
    if (rule.find(" ~") != std::string::npos) CHECK(rule.starts_with("(+eval ~"));
  record.role = UserRole::kOperator;
  const std::string operators = joined(user_permissions(record, {kKeys}));
  for (const char* never : {"mas.secret", "mas.identity", "mas.users", "+acl", "+xtrim", "+config", " ~agent:*)"})
    CHECK(operators.find(never) == std::string::npos);
  CHECK(operators.find("~agent:*:blocked_targets") != std::string::npos);
}

TEST_CASE("healthd sets fields of entries, and cannot touch the lists beside them") {
  UserRecord record = bob(AgentModes::kBoth);
  record.role = UserRole::kHealthd;
  auto rules = user_permissions(record, {kKeys});
  CHECK(has(rules, "(+hset ~agent:*)"));
  for (const auto& rule : rules)
    if (rule.find("+sadd") != std::string::npos) CHECK(rule.find("agent:*") == std::string::npos);
}

TEST_CASE("registryd alone of the daemons may change users, and none may write their records") {
  for (UserRole role : {UserRole::kGatewayd, UserRole::kRegistryd, UserRole::kHealthd}) {
    UserRecord record = bob(AgentModes::kBoth);
    record.role = role;
    auto rules = user_permissions(record, {kKeys});
    CHECK(has(rules, "+acl|setuser") == (role == UserRole::kRegistryd));
    for (const auto& rule : rules)
      if (rule.starts_with("(+set ")) CHECK(rule.find("mas.users") == std::string::npos);
  }
}
