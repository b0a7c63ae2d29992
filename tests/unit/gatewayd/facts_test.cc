// Facts: what is asked for, what a change does before, during and after a read, roles, and the end of a turn.
#include "daemons/gatewayd/facts/facts.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace std::chrono_literals;

namespace {

Role role(std::string_view name, std::initializer_list<std::string_view> permissions = {"send:*"}) {
  std::vector<std::string_view> all(permissions);
  return Role::parse(name, all);
}

/// Facts of which everything that is wanted is read at once.
struct Read {
  Keys keys;
  Facts facts{keys};

  /// @return the groups that were read of `id`.
  uint8_t all(std::string_view id = {}) {
    uint8_t groups = 0;
    for (auto& wanted : facts.take_wanted()) {
      if (wanted.agent->id == id) groups |= wanted.groups;
      for (Group group : {kPresence, kIdentity, kRules, kLimits})
        if ((wanted.groups & group) != 0) facts.finish(*wanted.agent, group);
    }
    return groups;
  }
  bool nothing_wanted() { return facts.take_wanted().empty() && facts.take_wanted_roles().empty(); }
};

}  // namespace

TEST_CASE("a group is asked for once, however often it is needed, and then known") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kTargetGroups);
  CHECK(&at.facts.need("alice", kSenderGroups) == &alice);
  CHECK(&at.facts.need("alice", kSenderGroups) == &alice);
  CHECK(at.all("alice") == kSenderGroups);
  CHECK(alice.knows(kSenderGroups));
  at.facts.need("alice", kSenderGroups);
  CHECK(at.nothing_wanted());
}

TEST_CASE("a change makes exactly its group unknown") {
  Read at;
  auto changes = [&](std::string_view key) {
    at.facts.need("alice", kSenderGroups);
    at.all();
    bool known = at.facts.changed(key);
    at.facts.need("alice", kSenderGroups);
    uint8_t groups = at.all("alice");
    CHECK(known == (groups != 0));
    return groups;
  };
  CHECK(changes("agent:alice") == kPresence);
  CHECK(changes("mas.identity:alice") == kIdentity);
  CHECK(changes("agent:alice:allowed_targets") == kRules);
  CHECK(changes("agent:alice:blocked_targets") == kRules);
  CHECK(changes("agent:alice:roles") == kRules);
  CHECK(changes("ratelimit:alice:limits") == kLimits);
  CHECK(changes("circuit:alice") == 0);  // a target's, and nobody asked for it
  for (std::string_view other :
       {"agent:alice:heartbeat", "agent:alice:instances", "agent:alice:alive:0011", "agent:bob", "agent:alic",
        "agent:", "agent:alice:", "agent::roles", "mas.identity:", "mas.identity:alice:x", "ratelimit:alice",
        "role:alice", "", "role::permissions", "ns/agent:alice", "x"})
    CHECK(changes(other) == 0);
}

TEST_CASE("a circuit is forgotten by its key, and by whoever knows better") {
  Keys keys;
  Facts facts(keys);
  AgentFacts& bob = facts.need("bob", kTargetGroups | kCircuit);
  facts.take_wanted();
  facts.finish(bob, kCircuit);
  CHECK(facts.changed("circuit:bob"));
  CHECK_FALSE(bob.knows(kCircuit));
  facts.finish(bob, kCircuit);
  facts.forget_circuit("bob");
  CHECK_FALSE(bob.knows(kCircuit));
  facts.forget_circuit("nobody");
}

TEST_CASE("what is missing of a stream has left it") {
  TargetStream inbox;
  inbox.measured(7, MonoTime(1s));
  CHECK(inbox.left == 0);  // nothing was known before
  inbox.backlog.add(1, 100);
  inbox.measured(5, MonoTime(2s));
  CHECK(inbox.left == 3);
  inbox.measured(9, MonoTime(3s));  // another gateway added some
  CHECK(inbox.left == 3);
}

TEST_CASE("a namespace hears of its own keys only") {
  Keys keys("ns");
  Facts facts(keys);
  AgentFacts& alice = facts.need("alice", kPresence);
  facts.take_wanted();
  facts.finish(alice, kPresence);
  CHECK_FALSE(facts.changed("agent:alice"));
  CHECK(facts.changed("ns/agent:alice"));
}

TEST_CASE("what changes while it is being read serves the turn that asked, and no other") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  auto wanted = at.facts.take_wanted();
  at.facts.changed("mas.identity:alice");  // before the reply
  for (Group group : {kPresence, kIdentity, kRules, kLimits}) at.facts.finish(alice, group);
  at.facts.need("alice", kSenderGroups);
  CHECK(at.nothing_wanted());  // this turn goes on
  at.facts.end_turn();
  at.facts.need("alice", kSenderGroups);
  CHECK(at.all("alice") == kIdentity);
  at.facts.end_turn();
  at.facts.need("alice", kSenderGroups);
  CHECK(at.nothing_wanted());
}

TEST_CASE("what changed while it was being read is not kept when its turn is dropped") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  at.facts.take_wanted();
  SECTION("the turn ends after the reply") {
    at.facts.changed("agent:alice:blocked_targets");
    for (Group group : {kPresence, kIdentity, kRules, kLimits}) at.facts.finish(alice, group);
    at.facts.abandon();
    at.facts.need("alice", kSenderGroups);
    CHECK(at.all("alice") == kRules);
  }
  SECTION("the reply never comes") {
    at.facts.changed("agent:alice:blocked_targets");
    at.facts.finish(alice, kPresence);
    at.facts.abandon();
    at.facts.need("alice", kSenderGroups);
    CHECK(at.all("alice") == (kSenderGroups & ~kPresence));
  }
  SECTION("everything changed") {
    at.facts.forget_all();
    for (Group group : {kPresence, kIdentity, kRules, kLimits}) at.facts.finish(alice, group);
    at.facts.abandon();
    at.facts.need("alice", kSenderGroups);
    CHECK(at.all("alice") == kSenderGroups);
  }
}

TEST_CASE("a role that changed while it was being read is not kept when its turn is dropped") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  at.all();
  alice.rules.roles = {"nurse"};
  at.facts.need_roles(alice);
  CHECK(at.facts.take_wanted_roles() == std::vector<std::string>{"nurse"});
  at.facts.changed("role:nurse:permissions");
  at.facts.finish(role("nurse"));
  at.facts.abandon();
  at.facts.need_roles(alice);
  CHECK_FALSE(alice.has_roles);
  CHECK(at.facts.take_wanted_roles() == std::vector<std::string>{"nurse"});
}

TEST_CASE("once a turn has read, changes wait for its end: nobody can keep it from deciding") {
  Read at;
  at.facts.need("cached", kSenderGroups);
  at.all();
  at.facts.end_turn();

  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  at.facts.need("cached", kSenderGroups);
  at.all();
  at.facts.hold();
  alice.rules.roles = {"nurse"};
  for (int round = 0; round < 3; ++round) {
    at.facts.changed("agent:cached");
    at.facts.changed("agent:alice");
    at.facts.changed("role:nurse:permissions");
    at.facts.need("cached", kSenderGroups);
    at.facts.need("alice", kSenderGroups);
    at.facts.need_roles(alice);
    CHECK(at.facts.take_wanted().empty());
    CHECK(at.facts.take_wanted_roles().size() == (round == 0 ? 1 : 0));
    if (round == 0) at.facts.finish(role("nurse"));
  }
  CHECK(alice.has_roles);
  SECTION("and are forgotten then") { at.facts.end_turn(); }
  SECTION("or when it is dropped") { at.facts.abandon(); }
  at.facts.need("cached", kSenderGroups);
  CHECK(at.all("cached") == kPresence);
  at.facts.need("alice", kSenderGroups);
  CHECK(at.all("alice") == kPresence);
  at.facts.need_roles(alice);
  CHECK(at.facts.take_wanted_roles() == std::vector<std::string>{"nurse"});
  // The hold ended with the turn.
  at.facts.finish(role("nurse"));
  CHECK(at.facts.changed("agent:alice"));
}

TEST_CASE("roles are given when all of them are known, and taken back when one changes") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  at.facts.need_roles(alice);
  CHECK_FALSE(alice.has_roles);  // its rules are not known yet
  at.all();
  alice.rules.roles = {"doctor", "nurse"};
  at.facts.need_roles(alice);
  at.facts.need_roles(alice);
  CHECK(at.facts.take_wanted_roles() == std::vector<std::string>{"doctor", "nurse"});
  at.facts.finish(role("doctor"));
  at.facts.need_roles(alice);
  CHECK_FALSE(alice.has_roles);
  at.facts.finish(role("nurse", {}));
  at.facts.need_roles(alice);
  REQUIRE(alice.has_roles);
  CHECK(alice.roles.size() == 2);

  CHECK_FALSE(at.facts.changed("role:porter:permissions"));
  CHECK(alice.has_roles);
  CHECK(at.facts.changed("role:nurse:permissions"));
  CHECK_FALSE(alice.has_roles);
  CHECK(alice.roles.empty());
  at.facts.need_roles(alice);
  CHECK(at.facts.take_wanted_roles() == std::vector<std::string>{"nurse"});

  at.facts.finish(role("nurse"));
  at.facts.need_roles(alice);
  REQUIRE(alice.has_roles);
  at.facts.changed("agent:alice:roles");  // its own set: roles are asked for by the new one
  CHECK_FALSE(alice.has_roles);
}

TEST_CASE("an agent without roles has them at once") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  at.all();
  at.facts.need_roles(alice);
  CHECK(alice.has_roles);
  CHECK(at.nothing_wanted());
}

TEST_CASE("forgetting all of it forgets agents and roles") {
  Read at;
  AgentFacts& alice = at.facts.need("alice", kSenderGroups);
  at.all();
  alice.rules.roles = {"nurse"};
  at.facts.need_roles(alice);
  at.facts.take_wanted_roles();
  at.facts.finish(role("nurse"));
  at.facts.need_roles(alice);
  at.facts.forget_all();
  at.facts.need("alice", kSenderGroups);
  CHECK(at.all("alice") == kSenderGroups);
  at.facts.need_roles(alice);
  CHECK(at.facts.take_wanted_roles() == std::vector<std::string>{"nurse"});
}

TEST_CASE("more agents than are wanted are forgotten between turns, not before") {
  Read at;
  for (int i = 0; i < 20; ++i) at.facts.need("agent" + std::to_string(i), kTargetGroups);
  at.all();
  at.facts.shrink(20);
  CHECK(at.facts.size() == 20);
  at.facts.need("one more", kTargetGroups);
  at.all();
  at.facts.end_turn();
  CHECK(at.facts.size() == 21);
  at.facts.shrink(20);
  CHECK(at.facts.size() == 0);
  at.facts.need("agent1", kTargetGroups);
  CHECK(at.all("agent1") == kTargetGroups);
}

TEST_CASE("what changes on a cluster is found by its key there") {
  const Keys keys("", KeyLayout::kCluster);
  Facts facts(keys);
  AgentFacts& alice = facts.need("alice", kAllGroups);
  for (auto& wanted : facts.take_wanted())
    for (Group group : {kPresence, kIdentity, kRules, kLimits, kCircuit}) facts.finish(*wanted.agent, group);
  const std::pair<std::string, Group> changes[] = {{keys.agent("alice"), kPresence},
                                                   {keys.identity("alice"), kIdentity},
                                                   {keys.limits("alice"), kLimits},
                                                   {keys.circuit("alice"), kCircuit},
                                                   {keys.blocked_targets("alice"), kRules},
                                                   {keys.allowed_targets("alice"), kRules},
                                                   {keys.roles("alice"), kRules}};
  for (const auto& [key, group] : changes) {
    CAPTURE(key);
    facts.finish(alice, group);
    CHECK(facts.changed(key));
    CHECK_FALSE(alice.knows(group));
  }
  for (const std::string& key : {keys.heartbeat("alice"), std::string("agent:alice"), keys.agent("bob")})
    CHECK_FALSE(facts.changed(key));
}
