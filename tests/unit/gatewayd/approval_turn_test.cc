// Messages that wait for a person: held instead of delivered, and what a verdict makes of them.
#include "daemons/gatewayd/replay/replay_frame.h"
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

struct HeldCase : TurnCase {
  WallMicros since = 1'795'000'000'000'000;

  explicit HeldCase(const std::vector<ApprovalRules::Row>& rows = {{{"target", "bob"}}}) {
    auto rules = ApprovalRules::parse(rows);
    REQUIRE(rules.ok());
    policy.approval = Mode::kEnforce;
    policy.approval_rules = std::make_shared<const ApprovalRules>(std::move(*rules));
    decider.set_policy(policy);
  }

  void set_mode(Mode mode) {
    policy.approval = mode;
    decider.set_policy(policy);
  }

  void push_verdict(const std::string& credential, const std::string& payload, const HmacKey& with) {
    ReplayedLetter letter{payload, "alice", 0, since, credential, 0};
    auto frame = replay_frame(letter, "", partition_of("alice"), with);
    REQUIRE(frame.ok());
    batch.append(partition_of("alice"), *frame);
  }

  void judge(const std::string& credential, const std::string& payload = envelope("alice", "bob")) {
    push_verdict(credential, payload, replay_key);
    decide();
    keep_results();
  }

  const std::vector<HeldMessage>& held() const { return decider.result().held(); }
};

}  // namespace

TEST_CASE("a message that a rule matches is held: told, audited and numbered, and nowhere else") {
  HeldCase at;
  const std::string sent = envelope("alice", "bob", R"("expects_reply":true,"correlation_id":"c1")");
  at.push({}, {envelope("alice", "carol"), sent});
  at.decide();
  REQUIRE(at.held().size() == 1);
  const HeldMessage& held = at.held()[0];
  CHECK(held.payload == sent);
  CHECK(held.sender == "alice");
  CHECK(held.target == "bob");
  CHECK(held.type == "note");
  CHECK(held.message_id == "m1");
  CHECK(held.reason == "waits for approval: rule 1 (target bob)");
  CHECK(held.partition == TurnCase::partition_of("alice"));
  const Outcomes outcomes = at.receipt();
  CHECK(outcomes.decisions == Decisions{Decision::kAllowed, Decision::kHeld});
  CHECK(outcomes.details[1] == "waits for approval: rule 1 (target bob)");
  at.keep_results();
  at.commit();
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:carol");
  CHECK(at.dead.empty());
  REQUIRE(at.audited.size() == 2);
  CHECK(at.audited[1].decision == Decision::kHeld);
  CHECK(at.audited[1].sequence == 2);
  at.check_ledger();

  const Outcomes again = at.send({}, {envelope("alice", "carol"), sent});  // the receipt was lost
  CHECK(again.decisions == Decisions{Decision::kAllowed, Decision::kHeld});
  CHECK(at.held().empty());
  CHECK(at.audited.empty());
  CHECK(at.send({.first = 3}, {envelope("alice", "carol")}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("a person is asked only for what would be delivered") {
  HeldCase at;
  SECTION("not for what is forbidden") {
    at.add("alice", [](AgentFacts& agent) { agent.rules = rules({}, {"bob"}); });
    CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAuthzDenied});
  }
  SECTION("not for what nobody can receive") {
    at.broken["agent.stream:bob"] = "WRONGTYPE";
    CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kUnavailable});
  }
  SECTION("not while the mode is off") {
    at.set_mode(Mode::kOff);
    CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
  }
  SECTION("in shadow mode it is delivered and noted") {
    at.set_mode(Mode::kShadow);
    CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kAllowed});
    CHECK(at.delivered.size() == 1);
    REQUIRE(at.audited.size() == 1);
    CHECK(at.audited[0].shadow == Decision::kHeld);
  }
  CHECK(at.held().empty());
}

TEST_CASE("without room for it, a message is refused, and asks nobody") {
  HeldCase at;
  at.policy.held_max = {2, 600'000};
  at.decider.set_policy(at.policy);
  const std::string sent = envelope("alice", "bob");
  const Outcomes outcomes = at.send({}, {sent, sent, sent});
  CHECK(outcomes.decisions == Decisions{Decision::kHeld, Decision::kHeld, Decision::kUnavailable});
  CHECK(outcomes.details[2] == "too many messages wait for approval");
  at.decider.held_seen({2, 500});
  at.decider.held_seen({1, 250});
  CHECK(at.send({.first = 4}, {sent, sent}).decisions == Decisions{Decision::kHeld, Decision::kUnavailable});
  at.decider.held_seen({0, 0});
  at.decider.held_seen({0, 0});
  const std::string large = envelope("alice", "bob", {}, R"({"x":")" + std::string(400'000, 'y') + R"("})");
  CHECK(at.send({.first = 6}, {large, large}).decisions == Decisions{Decision::kHeld, Decision::kUnavailable});

  at.decider.held_seen({0, 0});
  at.decider.held_seen({0, 0});
  at.decider.keep_held(false);
  CHECK(at.send({.first = 8}, {sent}).decisions == Decisions{Decision::kUnavailable});
}

TEST_CASE("a message that waits, or has no room to, uses up no trial of a half-open circuit") {
  const std::vector<ApprovalRules::Row> rows{{{"type", "note"}, {"sender", "alice"}}};
  HeldCase at(rows);
  at.policy.held_max = {1, 600'000};
  at.policy.breaker.trials = 1;
  at.decider.set_policy(at.policy);
  Circuit open;
  open.state = CircuitState::kHalfOpen;
  open.until = at.now + 60'000'000;
  open.generation = 1;
  at.circuits["bob"] = open;
  CHECK(at.send({}, {envelope("alice", "bob"), envelope("alice", "bob")}).decisions ==
        Decisions{Decision::kHeld, Decision::kUnavailable});
  CHECK(at.send({.sender = "carol", .instance = id_of(0xc1), .token = "token of carol"},
                {envelope("carol", "bob"), envelope("carol", "bob")})
            .decisions == Decisions{Decision::kAllowed, Decision::kCircuitOpen});
}

TEST_CASE("what was granted is delivered once, as a message that was never delivered before") {
  HeldCase at;
  at.judge("@granted ann@ops: looks right");
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:bob");
  CHECK(at.delivered[0].tickets == std::vector<std::string>{""});
  const std::string blob = blob_of(at.decider.result().deliveries()[0]);
  RecordReader reader(*records_of_entry(blob));
  Record record;
  REQUIRE(reader.next(record));
  CHECK(record.flags == 0);
  CHECK(at.held().empty());
  CHECK(at.dead.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kAllowed);
  CHECK(at.audited[0].reason == "granted by ann@ops: looks right");
  CHECK(at.decider.result().receipts().empty());
  CHECK(at.decider.result().work()[0]->elements == 1);
  at.check_ledger();
}

TEST_CASE("what was granted is decided by the policies of the moment") {
  HeldCase at;
  std::string why = "AUTHZ_DENIED";
  SECTION("forbidden meanwhile") {
    at.add("alice", [](AgentFacts& agent) { agent.rules = rules({}, {"bob"}); });
  }
  SECTION("its sender was revoked meanwhile") {
    at.add("alice", [](AgentFacts& agent) {
      agent.secrets.found = SenderSecrets::Found::kReadable;
      agent.secrets.state = IdentityState::kRevoked;
    });
    why = "REVOKED";
  }
  SECTION("its target is gone") {
    at.agents.erase("bob");
    why = "TARGET_NOT_FOUND";
  }
  at.judge("@granted ann");
  CHECK(at.delivered.empty());
  CHECK(at.held().empty());
  REQUIRE(at.dead.size() == 1);
  CHECK(at.dead[0].starts_with("granted by ann: " + why));
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].reason.starts_with("granted by ann: " + why));
}

TEST_CASE("what was denied, or has expired, is audited and gone") {
  HeldCase at;
  SECTION("denied") {
    at.judge("@denied ann@ops: not this month");
    CHECK(at.audited.at(0).decision == Decision::kAuthzDenied);
    CHECK(at.audited[0].reason == "denied by ann@ops: not this month");
  }
  SECTION("expired") {
    at.judge("@expired");
    CHECK(at.audited.at(0).decision == Decision::kExpired);
    CHECK(at.audited[0].reason == "held, and neither granted nor denied in time");
  }
  SECTION("also while Redis is short of memory") {
    at.policy.memory_low = true;
    at.decider.set_policy(at.policy);
    at.judge("@denied ann");
  }
  SECTION("also while the mode is off") {
    at.set_mode(Mode::kOff);
    at.judge("@denied ann");
  }
  CHECK(at.audited.size() == 1);
  CHECK(at.delivered.empty());
  CHECK(at.held().empty());
  CHECK(at.dead.empty());
}

TEST_CASE("nobody but a gateway says what becomes of a held message") {
  HeldCase at;
  SECTION("with another key") { at.push_verdict("@granted alice", envelope("alice", "bob"), HmacKey("another")); }
  SECTION("as a token") { at.push({.token = "@granted alice"}, {envelope("alice", "bob")}); }
  SECTION("what was signed for another verdict") {
    const std::string payload = envelope("alice", "bob");
    ReplayedLetter letter{payload, "alice", 0, at.since, "@denied ann", 0};
    auto frame = replay_frame(letter, "", TurnCase::partition_of("alice"), at.replay_key);
    REQUIRE(frame.ok());
    std::string forged = *frame;
    const std::string from = std::string("\x0b\0", 2) + "@denied ann", to = std::string("\x0b\0", 2) + "@granted an";
    const size_t place = forged.find(from);
    REQUIRE(place != std::string::npos);
    forged.replace(place, from.size(), to);
    at.batch.append(TurnCase::partition_of("alice"), forged);
  }
  at.decide();
  at.keep_results();
  CHECK(at.delivered.empty());
  CHECK(at.held().empty());
  CHECK(at.dead.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kAuthFailed);
}

TEST_CASE("a dead letter that is replayed is held where a rule says so, and is no letter then") {
  HeldCase at;
  at.judge(std::string(kReplayKey));
  CHECK(at.held().size() == 1);
  CHECK(at.dead.empty());
  CHECK(at.delivered.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kHeld);
}

TEST_CASE("a rule by what data-loss prevention finds also sees what the audit has no room for") {
  const std::vector<ApprovalRules::Row> rows{{{"dlp_type", "credit_card"}}};
  HeldCase at(rows);
  auto rules = dlp::Rules::standard();
  REQUIRE(rules.ok());
  auto stage = dlp::ContentStage::make(*rules, std::nullopt, at.payload_key, limits::kEnvelopeBytes);
  REQUIRE(stage.ok());
  at.decider.set_dlp(stage->get());
  at.policy.dlp = Mode::kShadow;
  at.decider.set_policy(at.policy);
  std::string data = "{";
  for (int i = 0; i < 12; ++i)
    data += "\"a" + std::to_string(i) + "\":\"SSN 219-45-98" + std::to_string(10 + i) + "\",";
  const std::string card = data + R"("z":"card 4111 1111 1111 1111"})", none = data + R"("z":"nothing"})";
  CHECK(at.send({}, {envelope("alice", "bob", {}, card), envelope("alice", "bob", {}, none)}).decisions ==
        Decisions{Decision::kHeld, Decision::kAllowed});
}
