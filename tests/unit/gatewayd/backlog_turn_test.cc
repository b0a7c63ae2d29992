// The bound of what waits in a target's stream.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

using Decisions = std::vector<Decision>;

}  // namespace

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
