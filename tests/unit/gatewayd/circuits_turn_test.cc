// Circuit breakers in a turn, over simulated time: what opens one, what its senders hear, how it closes, what is
// written.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

constexpr WallMicros kSecond = 1'000'000;

struct CircuitsCase : TurnCase {
  unsigned char instance = 0;

  CircuitsCase() {
    policy.breaker = {.window = 30s,
                      .failures = 4,
                      .ratio = 50,
                      .volume = 4,
                      .open = 5s,
                      .max_open = 60s,
                      .trials = 2,
                      .patience = 20s,
                      .grace = 10min};
    policy.max_backlog_records = 10;
    decider.set_policy(policy);
  }

  void wait(Duration time) {
    now += std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    mono += time;
  }
  /// Messages of a new instance of alice's to bob.
  Outcomes say(size_t count) {
    return send({.instance = id_of(++instance)}, std::vector<std::string>(count, envelope("alice", "bob")));
  }
  Decision one() { return say(1).decisions.at(0); }
  const Circuit& circuit() { return circuits["bob"]; }
  /// The agent as it is from now on.
  void set_active(bool active) {
    add("bob", [active](AgentFacts& agent) { agent.active = active; });
    facts.changed("agent:bob");
  }
  /// Its backlog is at the bound, and four messages find it so.
  void open() {
    lengths["agent.stream:bob"] = 10;
    REQUIRE(say(4).decisions == Decisions(4, Decision::kTargetOverloaded));
    REQUIRE(circuit().state == CircuitState::kOpen);
  }
};

}  // namespace

TEST_CASE("a target whose backlog stays at its bound is left alone, tried, and served again when its backlog shrinks") {
  CircuitsCase at;
  at.open();
  CHECK(at.circuit().generation == 1);
  CHECK(at.circuit().cause == CircuitCause::kFailures);
  at.wait(1s);
  auto receipt = at.say(2);
  CHECK(receipt.decisions == Decisions(2, Decision::kCircuitOpen));
  CHECK(receipt.details[0] == "circuit open: failures");
  CHECK(receipt.retry_after[0] == 4000);
  CHECK(at.audited[0].decision == Decision::kCircuitOpen);
  CHECK(at.dead.empty());

  SECTION("half-open it lets trials through, and closes when as many have left the stream") {
    at.wait(5s);
    at.lengths["agent.stream:bob"] = 3;
    CHECK(at.say(4).decisions ==
          Decisions{Decision::kAllowed, Decision::kAllowed, Decision::kCircuitOpen, Decision::kCircuitOpen});
    CHECK(at.circuit().state == CircuitState::kHalfOpen);
    at.lengths["agent.stream:bob"] = 4;  // one entry holds both
    at.wait(1s);
    CHECK(at.one() == Decision::kCircuitOpen);
    at.lengths["agent.stream:bob"] = 0;
    at.wait(1s);
    CHECK(at.one() == Decision::kAllowed);
    CHECK(at.circuit().state == CircuitState::kClosed);
    CHECK(at.circuit().generation == 3);
  }
  SECTION("what left the stream before the trials says nothing about them") {
    at.wait(5s);
    at.lengths["agent.stream:bob"] = 0;
    CHECK(at.say(2).decisions == Decisions(2, Decision::kAllowed));
    at.lengths["agent.stream:bob"] = 1;
    at.wait(1s);
    CHECK(at.one() == Decision::kCircuitOpen);
    CHECK(at.circuit().state == CircuitState::kHalfOpen);
  }
  SECTION("nothing is heard of the trials: it opens again, for twice as long") {
    at.wait(5s);
    at.lengths["agent.stream:bob"] = 3;
    at.say(2);
    at.lengths["agent.stream:bob"] = 4;
    at.wait(20s);
    CHECK(at.one() == Decision::kCircuitOpen);
    CHECK(at.circuit().state == CircuitState::kOpen);
    CHECK(at.circuit().until - at.circuit().since == 10 * kSecond);
  }
  SECTION("it is still full: the first trial fails") {
    at.wait(5s);
    CHECK(at.say(2).decisions == Decisions{Decision::kTargetOverloaded, Decision::kCircuitOpen});
    CHECK(at.circuit().opens == 2);
  }
  at.check_ledger();
}

TEST_CASE("a stream that takes no entry is a failure of its target") {
  CircuitsCase at;
  at.broken["agent.stream:bob"] = "WRONGTYPE";
  CHECK(at.say(3).decisions == Decisions(3, Decision::kUnavailable));
  CHECK(at.say(2).decisions == Decisions{Decision::kUnavailable, Decision::kCircuitOpen});
  CHECK(at.dead.size() == 1);
  CHECK(at.circuit().state == CircuitState::kOpen);
}

TEST_CASE("while it is open, messages are kept as dead letters where that is configured") {
  CircuitsCase at;
  at.policy.breaker.on_open = OnOpen::kDeadLetter;
  at.decider.set_policy(at.policy);
  at.open();
  CHECK(at.dead.empty());
  CHECK(at.say(2).decisions == Decisions(2, Decision::kCircuitOpen));
  CHECK(at.dead == std::vector<std::string>(2, "circuit open: failures"));
  at.policy.dead_letters_closed = true;
  at.decider.set_policy(at.policy);
  CHECK(at.one() == Decision::kCircuitOpen);
  CHECK(at.decider.result().counts().not_kept == 1);
}

TEST_CASE("an agent that is not active is queued for until its grace time is over, and again when it is back") {
  CircuitsCase at;
  at.set_active(false);
  at.policy.max_backlog_records = 100'000;
  at.decider.set_policy(at.policy);
  for (int minute = 0; minute < 10; ++minute, at.wait(1min))
    CHECK(at.say(100).decisions == Decisions(100, Decision::kQueuedOffline));
  auto receipt = at.say(1);
  CHECK(receipt.decisions == Decisions{Decision::kCircuitOpen});
  CHECK(receipt.details[0] == "circuit open: inactive");
  CHECK(receipt.retry_after[0] == 0);
  at.wait(50min);
  CHECK(at.one() == Decision::kCircuitOpen);
  CHECK(at.circuit().generation == 1);
  at.set_active(true);
  CHECK(at.one() == Decision::kAllowed);
  CHECK(at.circuit().state == CircuitState::kClosed);
  SECTION("its grace time begins anew") {
    at.set_active(false);
    at.wait(9min);
    CHECK(at.one() == Decision::kQueuedOffline);
  }
}

TEST_CASE("what others wrote holds: an operator's circuit, and one that another gateway opened") {
  CircuitsCase at;
  CHECK(at.one() == Decision::kAllowed);
  at.circuits["bob"] = {CircuitState::kForcedOpen, 7, at.now, 0, 0, CircuitCause::kOperator};
  CHECK(at.one() == Decision::kAllowed);  // not heard of yet
  at.facts.changed("circuit:bob");
  CHECK(at.say(1).details[0] == "circuit open: operator");
  at.circuits["bob"] = {CircuitState::kOpen, 8, at.now, at.now + 3 * kSecond, 1, CircuitCause::kFailures};
  at.facts.changed("circuit:bob");
  CHECK(at.say(1).retry_after[0] == 3000);
  at.circuits.erase("bob");
  at.facts.changed("circuit:bob");
  CHECK(at.one() == Decision::kAllowed);
}

TEST_CASE("of two gateways that change a circuit at once the first wins, and the other learns what holds") {
  CircuitsCase at;
  at.lengths["agent.stream:bob"] = 10;
  CHECK(at.say(3).decisions == Decisions(3, Decision::kTargetOverloaded));
  at.circuits["bob"] = {CircuitState::kForcedOpen, 5, at.now, 0, 0, CircuitCause::kOperator};
  CHECK(at.one() == Decision::kTargetOverloaded);  // opens it from generation 0
  CHECK(at.circuit().generation == 5);
  CHECK(at.say(1).details[0] == "circuit open: operator");
}

TEST_CASE("a turn that was dropped has changed nothing, and the circuit is read anew") {
  CircuitsCase at;
  at.lengths["agent.stream:bob"] = 10;
  at.push({}, std::vector<std::string>(4, envelope("alice", "bob")));
  at.decide();
  REQUIRE(at.decider.circuit_changes().size() == 1);
  CHECK(at.decider.circuit_changes()[0].before == CircuitState::kClosed);
  at.facts.abandon();  // the commit did not arrive
  for (auto& partition : at.partitions) partition->forget();
  for (auto& partition : at.partitions) partition->epoch = "2";
  at.batch.start();
  CHECK(at.say(2).decisions == Decisions(2, Decision::kTargetOverloaded));
  CHECK(std::count(at.agents_read.begin(), at.agents_read.end(), "bob") == 1);
  CHECK(at.circuit().generation == 0);
}

TEST_CASE("of two turns the later goes on from what the earlier learnt, and both can be taken back") {
  CircuitsCase at;
  at.lengths["agent.stream:bob"] = 10;
  auto turn = [&](size_t count) {
    at.push({.instance = id_of(++at.instance)}, std::vector<std::string>(count, envelope("alice", "bob")));
    at.decide();
  };
  turn(2);
  SealedTurn sealed;
  at.decider.seal(sealed);
  turn(1);
  CHECK(at.decider.circuit_changes().empty());  // four failures open it

  SECTION("the earlier is committed, and the later is not") {
    at.decider.committed(sealed);
    at.decider.dropped(sealed);
    turn(1);
    CHECK(at.decider.circuit_changes().empty());  // the third
  }
  SECTION("neither is") {
    at.decider.dropped(sealed);
    turn(3);
    CHECK(at.decider.circuit_changes().empty());
  }
  SECTION("both are") {
    at.decider.committed(sealed);
    at.decider.seal(sealed);
    at.decider.committed(sealed);
    at.decider.dropped(sealed);  // takes nothing back
    turn(1);
    REQUIRE(at.decider.circuit_changes().size() == 1);
    CHECK(at.decider.circuit_changes()[0].circuit.state == CircuitState::kOpen);
  }
}

TEST_CASE("handlers that failed, and those between that did not, open and close a circuit") {
  CircuitsCase at;
  at.one();
  uint64_t number = 0;
  auto report = [&](uint32_t handled) {
    std::string bytes;
    const std::string id = "1-" + std::to_string(++number);
    FailureReport{Lane::kNormal, 0, handled, id, {}}.encode(bytes);
    append_record(at.entries["agent.stream:bob " + id] = std::string(1, kEntryVersion), envelope("alice", "bob"));
    at.send({"bob", id_of(0xb0), number, "token of bob", {}, Record::kFailed}, {bytes});
  };
  SECTION("failures, and then trials that were handled") {
    for (int i = 0; i < 4; ++i) report(0);
    CHECK(at.circuits["bob"].state == CircuitState::kOpen);
    CHECK(at.one() == Decision::kCircuitOpen);
    at.wait(6s);
    for (int trial = 0; trial < 2; ++trial) CHECK(at.one() == Decision::kAllowed);
    at.wait(1s);  // both have left the stream
    CHECK(at.one() == Decision::kAllowed);
    CHECK(at.circuit().state == CircuitState::kClosed);
  }
  SECTION("a trial whose handler fails opens it again, though its entry leaves the stream") {
    for (int i = 0; i < 4; ++i) report(0);
    at.wait(6s);
    CHECK(at.say(1).decisions == Decisions(1, Decision::kAllowed));
    report(0);
    at.lengths["agent.stream:bob"] = 0;
    at.wait(1s);
    CHECK(at.one() == Decision::kCircuitOpen);
  }
  SECTION("many that were handled keep it closed") {
    report(20);
    for (int i = 0; i < 4; ++i) report(1);
    CHECK(at.one() == Decision::kAllowed);
  }
  SECTION("what leaves the stream of an agent that reports is no success") {
    at.say(40);
    at.lengths["agent.stream:bob"] = 0;
    report(0);
    at.wait(1s);
    for (int i = 0; i < 3; ++i) report(0);
    CHECK(at.one() == Decision::kCircuitOpen);
  }
  SECTION("failures of an hour do not count together") {
    for (int i = 0; i < 6; ++i, at.wait(10min)) report(0);
    CHECK(at.one() == Decision::kAllowed);
  }
}

TEST_CASE("in shadow mode circuits open and refuse nothing, switched off nobody looks") {
  CircuitsCase at;
  at.policy.breaker_mode = Mode::kShadow;
  at.decider.set_policy(at.policy);
  at.open();
  at.lengths["agent.stream:bob"] = 0;
  at.wait(1s);
  CHECK(at.one() == Decision::kAllowed);
  CHECK(at.audited[0].shadow == Decision::kCircuitOpen);
  CHECK(at.decider.result().counts().shadow == 1);

  at.policy.breaker_mode = Mode::kOff;
  at.decider.set_policy(at.policy);
  at.facts.changed("circuit:bob");
  CHECK(at.one() == Decision::kAllowed);
  CHECK_FALSE(at.audited[0].shadow);
  CHECK(at.agents_read.empty());
}

TEST_CASE("a reply with a ticket asks no breaker") {
  CircuitsCase at;
  at.send({.sender = "bob", .token = "token of bob"},
          {envelope("bob", "alice", R"("correlation_id":"c","expects_reply":true)")});
  REQUIRE(at.delivered.size() == 1);
  const std::string ticket = at.delivered[0].tickets.at(0);
  at.open();
  CHECK(at.one() == Decision::kCircuitOpen);
  auto receipt = at.send({.instance = id_of(0x77), .ticket = ticket},
                         {envelope("alice", "bob", R"("correlation_id":"c","is_reply":true)")});
  CHECK(receipt.decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("an hour's absence with 10,000 messages: all are queued within the grace time, past it they are letters") {
  constexpr int kMessages = 10'000, kAtOnce = 100;
  CircuitsCase at;
  at.add("bob", [](AgentFacts& agent) { agent.active = false; });
  at.policy.max_backlog_records = 100'000;
  at.policy.breaker.on_open = OnOpen::kDeadLetter;
  int queued = 0, letters = 0, refused = 0;
  auto an_hour = [&] {
    for (int sent = 0; sent < kMessages; sent += kAtOnce, at.wait(3600s * kAtOnce / kMessages)) {
      for (Decision decision : at.say(kAtOnce).decisions) (decision == Decision::kQueuedOffline ? queued : refused)++;
      letters += static_cast<int>(at.dead.size());
    }
  };
  SECTION("within") {
    at.policy.breaker.grace = 2h;
    at.decider.set_policy(at.policy);
    an_hour();
    CHECK(queued == kMessages);
    at.add("bob");
    at.facts.changed("agent:bob");
    CHECK(at.one() == Decision::kAllowed);
  }
  SECTION("later: each is in the stream or a letter, and once it is back the circuit closes") {
    at.policy.breaker.grace = 6min;
    at.decider.set_policy(at.policy);
    an_hour();
    CHECK(queued == kMessages / 10);
    CHECK(refused == kMessages - queued);
    CHECK(letters == refused);
    CHECK(at.circuit().cause == CircuitCause::kInactive);
    at.add("bob");
    at.facts.changed("agent:bob");
    CHECK(at.one() == Decision::kAllowed);
    CHECK(at.circuit().state == CircuitState::kClosed);
  }
}
