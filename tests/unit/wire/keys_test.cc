// Key names with and without a namespace.
#include "proto/wire/keys.h"

#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("keys are those of the protocol") {
  Keys keys;
  CHECK(keys.agent("a") == "agent:a");
  CHECK(keys.heartbeat("a") == "agent:a:heartbeat");
  CHECK(keys.alive("a", "i") == "agent:a:alive:i");
  CHECK(keys.state("a") == "agent.state:a");
  CHECK(keys.channel("a") == "agent.a");
  CHECK(keys.system_channel() == "mas.system");
  CHECK(keys.partition_lease(7) == "mas.lease:{7}");
  CHECK(keys.daemon("registryd", "i") == "mas.daemon:registryd:i");
  CHECK(keys.agent_id_of_key("agent:a:b") == "a:b");
  CHECK(keys.agent_id_of_key("agent.state:a").empty());
  CHECK(keys.agent_id_of_heartbeat("agent:a:b:heartbeat") == "a:b");
  CHECK(keys.agent_id_of_heartbeat("agent:a").empty());
  CHECK(keys.capability_of_key(keys.capability_index("x:y")) == "x:y");
  CHECK(keys.capability_of_key("mas.agents").empty());
}

TEST_CASE("roles and who has them are found by their keys") {
  for (const char* ns : {"", "prod"}) {
    Keys keys(ns);
    CHECK(keys.role_of_permissions(keys.role_permissions("nurse")) == "nurse");
    CHECK(keys.role_of_permissions(keys.roles("alice")).empty());
    CHECK(keys.agent_id_of_roles(keys.roles("alice")) == "alice");
    CHECK(keys.agent_id_of_roles(keys.agent("alice")).empty());
  }
  CHECK(Keys("prod").role_scan_pattern() == "prod/role:*:permissions");
  CHECK(Keys("prod").roles_scan_pattern() == "prod/agent:*:roles");
  CHECK(Keys("prod").operator_audit() == "prod/mas.audit.operators");
}

TEST_CASE("a namespace goes in front of everything, and is checked") {
  Keys keys("prod");
  CHECK(keys.agent("a") == "prod/agent:a");
  CHECK(keys.channel("a") == "prod/agent.a");
  CHECK(keys.agent_scan_pattern() == "prod/agent:*");
  CHECK(keys.agent_id_of_key("prod/agent:a") == "a");
  CHECK(keys.agent_id_of_key("agent:a").empty());
  CHECK(keys.capability_scan_pattern() == "prod/mas.capability:*");
  CHECK(keys.capability_of_key("prod/mas.capability:x") == "x");
  CHECK(check_namespace("").ok());
  CHECK(check_namespace("a-b.C_9").ok());
  for (const char* bad : {"a/b", "a*", "a b", "ä"}) CHECK_FALSE(check_namespace(bad).ok());
}

TEST_CASE("on a cluster the keys of an agent share a hash tag, and those of a partition, too") {
  for (const std::string ns : {"", "prod"}) {
    const std::string head = ns.empty() ? "" : ns + "/";
    Keys keys(ns, KeyLayout::kCluster);
    CHECK(keys.agent("bob") == head + "agent:{bob}");
    CHECK(keys.wake_channel("bob") == head + "mas.wake:{bob}");
    CHECK(keys.heartbeat("bob") == head + "agent:{bob}:heartbeat");
    CHECK(keys.instances("bob") == head + "agent:{bob}:instances");
    CHECK(keys.alive("bob", "i") == head + "agent:{bob}:alive:i");
    CHECK(keys.state("bob") == head + "agent.state:{bob}");
    CHECK(keys.channel("bob") == head + "agent.{bob}");
    CHECK(keys.channel("bob") == keys.channel_head() + "bob" + std::string(keys.channel_tail()));
    CHECK(keys.receipts("bob", "i") == head + "mas.receipts:{bob}:i");
    CHECK(keys.identity("bob") == head + "mas.identity:{bob}");
    CHECK(keys.roles("bob") == head + "agent:{bob}:roles");
    CHECK(keys.limits("bob") == head + "ratelimit:{bob}:limits");
    CHECK(keys.circuit("bob") == head + "circuit:{bob}");
    CHECK(keys.inbox("bob", Lane::kNormal, 7) == head + "agent.stream:bob:{7}");
    CHECK(keys.inbox("bob", Lane::kBulk, 7) == head + "agent.stream:bob:bulk:{7}");
    CHECK(keys.reply_inbox("bob", "i", 7) == head + "agent.stream:bob:@i:{7}");
    CHECK(keys.ingress(7) == head + "mas.ingress:{7}");
    CHECK(keys.dead_letters(7) == head + "dlq:messages:{7}");
    CHECK(keys.unproven(7) == head + "dlq:unproven:{7}");
    CHECK(keys.held(7) == head + "mas.held:{7}");
    CHECK(keys.approvals(7) == head + "mas.approvals:{7}");
    CHECK(keys.replays(7) == head + "mas.replay:{7}");
    CHECK(keys.places(16) == 16);
    CHECK(keys.agents_index() == head + "mas.agents");
    CHECK(keys.agent_scan_pattern() == head + "agent:{*}");
  }
}

TEST_CASE("on a cluster ids are found between their braces, whatever the id is") {
  const Keys keys("", KeyLayout::kCluster);
  for (const std::string id : {"bob", "a:b", "a{b}c", "}", "{x}", "a:heartbeat"}) {
    CHECK(keys.agent_id_of_key(keys.agent(id)) == id);
    CHECK(keys.agent_id_of_heartbeat(keys.heartbeat(id)) == id);
    CHECK(keys.agent_id_of_roles(keys.roles(id)) == id);
    for (const std::string& key : {keys.allowed_targets(id), keys.blocked_targets(id), keys.roles(id)})
      CHECK(keys.agent_id_of_rules(key) == id);
    CHECK(keys.agent_id_of_rules(keys.agent(id)).empty());
    CHECK(keys.agent_id_of_identity(keys.identity(id)) == id);
    CHECK(keys.agent_id_of_limits(keys.limits(id)) == id);
    CHECK(keys.agent_id_of_circuit(keys.circuit(id)) == id);
  }
  for (const char* other : {"agent:bob", "agent:{bob}:heartbeat", "agent:{}", "agent:{", "agent:}", "agent:{bob", ""})
    CHECK(keys.agent_id_of_key(other).empty());
  CHECK(keys.agent_id_of_heartbeat("agent:bob:heartbeat").empty());
}

TEST_CASE("on one server, braces are a part of an id") {
  const Keys keys;
  CHECK(keys.agent_id_of_key("agent:{bob}") == "{bob}");
  CHECK(keys.channel_head() + "bob" + std::string(keys.channel_tail()) == keys.channel("bob"));
}

TEST_CASE("FNV-1a test vectors") {
  CHECK(fnv1a64("") == 0xcbf29ce484222325u);
  CHECK(fnv1a64("a") == 0xaf63dc4c8601ec8cu);
  CHECK(fnv1a64("foobar") == 0x85944171f73967e8u);
}

TEST_CASE("on one server what is by partition on a cluster is in one place") {
  const Keys keys("ns");
  for (unsigned p : {0u, 7u}) {
    CHECK(keys.dead_letters(p) == "ns/dlq:messages");
    CHECK(keys.unproven(p) == "ns/dlq:unproven");
    CHECK(keys.held(p) == "ns/mas.held");
    CHECK(keys.approvals(p) == "ns/mas.approvals");
    CHECK(keys.replays(p) == "ns/mas.replay");
  }
  CHECK(keys.places(16) == 1);
}
