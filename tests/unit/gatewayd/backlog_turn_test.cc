// The bound of what waits in a target's stream.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

TEST_CASE("a backlog is bounded by records and by bytes, and looked at again when it is full") {
  TurnCase at;
  at.policy.max_backlog_records = 100;
  at.decider.set_policy(at.policy);
  at.lengths["agent.stream:bob"] = 99;
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
  CHECK(at.lengths_read == std::vector<std::string>{"agent.stream:bob"});
  CHECK(at.send({.first = 2}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kTargetOverloaded});
  CHECK(at.lengths_read.empty());
  at.lengths["agent.stream:bob"] = 0;  // bob has read
  at.mono += 51ms;
  CHECK(at.send({.first = 3}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
  CHECK(at.lengths_read == std::vector<std::string>{"agent.stream:bob"});
  at.lengths["agent.stream:carol"] = at.policy.max_backlog_bytes / 1024 + 1;
  at.policy.max_backlog_records = UINT64_MAX;
  at.decider.set_policy(at.policy);
  CHECK(at.send({.first = 4}, {envelope("alice", "carol")}).decisions == Decisions{Decision::kTargetOverloaded});
}

TEST_CASE("what a commit that is under way adds to a stream counts against its bound") {
  TurnCase at;
  at.policy.max_backlog_records = 5;
  at.decider.set_policy(at.policy);
  unsigned char instance = 0;
  auto turn = [&](size_t count) {
    at.push({.instance = id_of(++instance)}, std::vector<std::string>(count, envelope("alice", "bob")));
    at.decide();
    return at.receipt().decisions.back();
  };
  for (int i = 0; i < 6; ++i) REQUIRE(turn(1) == Decision::kAllowed);  // none of them was sent
  SealedTurn sealed;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(turn(1) == Decision::kAllowed);
    at.decider.seal(sealed);
    if (i < 4) at.decider.committed(sealed);
  }
  CHECK(turn(1) == Decision::kTargetOverloaded);
  SECTION("which is dropped") {
    at.decider.dropped(sealed);
    CHECK(turn(1) == Decision::kAllowed);
  }
  SECTION("which is done") {
    at.decider.committed(sealed);
    CHECK(turn(1) == Decision::kTargetOverloaded);
    at.lengths["agent.stream:bob"] = 4;
    at.mono += 1s;
    CHECK(turn(1) == Decision::kAllowed);
  }
}

TEST_CASE("a sender that has filled its share is refused alone, and the target is not blamed") {
  TurnCase at;
  at.policy.max_backlog_records = 100;
  at.policy.sender_share = 60;
  at.decider.set_policy(at.policy);
  uint64_t first = 1;
  size_t allowed = 0;
  for (int i = 0; i < 20; ++i, first += 10) {
    auto receipt = at.send({.first = first}, std::vector<std::string>(10, envelope("alice", "bob")));
    for (Decision decision : receipt.decisions) allowed += decision == Decision::kAllowed ? 1 : 0;
    at.mono += 60ms;
    at.lengths["agent.stream:bob"] = at.last_delivery->backlog.entries();
    if (i >= 6) CHECK(receipt.decisions.back() == Decision::kTargetOverloaded);
  }
  CHECK(allowed == 60);
  auto refused = at.send({.first = first}, {envelope("alice", "bob")});
  CHECK(refused.details[0] == "the sender's share of the target's backlog is used up");
  CHECK(at.circuits["bob"].state == CircuitState::kClosed);
  auto receipt =
      at.send({.sender = "carol", .token = "token of carol"}, std::vector<std::string>(30, envelope("carol", "bob")));
  CHECK(receipt.decisions == Decisions(30, Decision::kAllowed));
  CHECK(at.send({.sender = "carol", .first = 31, .token = "token of carol"}, {envelope("carol", "bob")}).decisions ==
        Decisions{Decision::kTargetOverloaded});
  // Bob reads: there is room for both.
  at.lengths["agent.stream:bob"] = 0;
  at.mono += 60ms;
  CHECK(at.send({.first = first + 1}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
  CHECK(at.lengths_read == std::vector<std::string>{"agent.stream:bob"});
}

TEST_CASE("what was counted of senders in a turn that was dropped is forgotten") {
  TurnCase at;
  at.policy.max_backlog_records = 10;
  at.policy.sender_share = 60;
  at.decider.set_policy(at.policy);
  at.send({}, std::vector<std::string>(3, envelope("alice", "bob")));
  for (int i = 0; i < 10; ++i) {
    at.push({.first = 4}, std::vector<std::string>(3, envelope("alice", "bob")));
    at.decide();
    CHECK(at.receipt().decisions == Decisions(3, Decision::kAllowed));
    // The partition's memory is read anew; nothing was committed.
    Partition& partition = *at.partitions[TurnCase::partition_of("alice")];
    partition.senders.clear();
    SenderState state;
    for (int n = 0; n < 3; ++n) state.decide(Decision::kAllowed);
    partition.instance(partition.sender("alice"), "alice", id_of(0xa1), at.keys).state = state;
  }
}
