// The runaway guard and the lanes in a turn: what is refused, what only would be, and where messages go.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

std::vector<std::string> copies(size_t n, const std::string& text) { return std::vector<std::string>(n, text); }

/// A sender with these roles, who may send to bob.
std::function<void(AgentFacts&)> with_roles(std::vector<std::string> names) {
  return [names](AgentFacts& agent) {
    const std::string_view bob[] = {"bob"};
    agent.rules = parse_rules(bob, {}, std::vector<std::string_view>(names.begin(), names.end()));
  };
}

}  // namespace

TEST_CASE("a message that goes round in a circle is refused, and its reason says which rule") {
  TurnCase at;
  at.policy.guard.max_visits = 1;
  at.policy.guard.conversation = 3;
  at.policy.guard.pair = 5;
  at.decider.set_policy(at.policy);
  std::string talk = envelope("alice", "bob", R"("conversation_id":"c1")");
  std::vector<std::string> messages{
      envelope("alice", "bob", R"("hops":33)"),
      envelope("alice", "bob", R"("chain":["bob"])"),
      envelope("alice", "bob", R"("chain":["bob","carol","bob"])"),
      talk,
      talk,
      talk,
      talk,
      envelope("alice", "bob"),
      envelope("alice", "bob"),
      envelope("alice", "carol"),
  };
  auto receipt = at.send({}, messages);
  CHECK(receipt.decisions == Decisions{Decision::kLoopDetected, Decision::kAllowed, Decision::kLoopDetected,
                                       Decision::kAllowed, Decision::kAllowed, Decision::kAllowed,
                                       Decision::kLoopDetected, Decision::kAllowed, Decision::kLoopDetected,
                                       Decision::kAllowed});
  CHECK(receipt.details[0] == "hops: 33, at most 32");
  CHECK(receipt.details[2] == "chain: the target appears in it 2 times, at most 1");
  CHECK(receipt.details[6] == "conversation: at most 3 messages in 60 s");
  CHECK(receipt.details[8] == "pair: at most 5 messages in 60 s");
  at.check_ledger();
  at.now += 120'000'000;
  CHECK(at.send({.first = 11}, {talk}).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("the guard in shadow mode lets pass and records, switched off it counts nothing") {
  TurnCase at;
  at.policy.guard.pair = 2;
  at.policy.guard_mode = Mode::kShadow;
  at.decider.set_policy(at.policy);
  auto receipt = at.send({}, copies(4, envelope("alice", "bob")));
  CHECK(receipt.decisions == Decisions(4, Decision::kAllowed));
  REQUIRE(at.audited.size() == 4);
  CHECK_FALSE(at.audited[1].shadow);
  CHECK(at.audited[2].shadow == Decision::kLoopDetected);
  CHECK(at.decider.result().counts().shadow == 2);

  at.policy.guard_mode = Mode::kOff;
  at.decider.set_policy(at.policy);
  receipt = at.send({.first = 5}, copies(4, envelope("alice", "carol", R"("hops":1000)")));
  CHECK(receipt.decisions == Decisions(4, Decision::kAllowed));
  CHECK(at.decider.result().counts().shadow == 0);
  at.policy.guard_mode = Mode::kEnforce;
  at.decider.set_policy(at.policy);
  receipt = at.send({.first = 9}, copies(3, envelope("alice", "carol")));
  CHECK(receipt.decisions == Decisions{Decision::kAllowed, Decision::kAllowed, Decision::kLoopDetected});
}

TEST_CASE("a chain that is none is malformed") {
  TurnCase at;
  auto receipt = at.send({}, {envelope("alice", "bob", R"("chain":"bob")")});
  CHECK(receipt.decisions == Decisions{Decision::kMalformed});
  CHECK(receipt.details[0].find("meta.chain") != std::string::npos);
}

TEST_CASE("a sender takes the highest lane that it may use, and is not refused") {
  TurnCase at;
  at.policy.highest_lane = Lane::kNormal;
  at.decider.set_policy(at.policy);
  auto lane_of = [&](std::string_view priority) {
    static uint64_t sequence = 0;
    std::string meta = R"("priority":")" + std::string(priority) + "\"";
    auto receipt =
        at.send({.instance = id_of(static_cast<unsigned char>(++sequence))}, {envelope("alice", "bob", meta)});
    CHECK(receipt.decisions == Decisions{Decision::kAllowed});
    CHECK(receipt.details[0].empty());
    REQUIRE(at.delivered.size() == 1);
    REQUIRE(at.lengths_read.size() <= 1);  // no stream is looked at that it does not take
    return at.delivered[0].stream + " " + at.audited[0].reason;
  };
  SECTION("without a role") {
    CHECK(lane_of("critical") == "agent.stream:bob priority: critical, at most normal");
    CHECK(lane_of("high") == "agent.stream:bob priority: high, at most normal");
    CHECK(lane_of("normal") == "agent.stream:bob ");
    CHECK(lane_of("bulk") == "agent.stream:bob:bulk ");
    CHECK(lane_of("no such") == "agent.stream:bob ");
  }
  SECTION("with one that permits more") {
    at.roles["doctor"] = {"send:patient*", "priority:low", "priority:high"};
    at.add("alice", with_roles({"doctor", "nurse"}));
    CHECK(lane_of("critical") == "agent.stream:bob:high priority: critical, at most high");
    CHECK(lane_of("high") == "agent.stream:bob:high ");
  }
  SECTION("with one that permits less than everybody has") {
    at.roles["clerk"] = {"priority:low"};
    at.add("alice", with_roles({"clerk"}));
    CHECK(lane_of("high") == "agent.stream:bob priority: high, at most normal");
    CHECK(lane_of("normal") == "agent.stream:bob ");
  }
  SECTION("with one that permits everything") {
    at.roles["chief"] = {"*"};
    at.add("alice", with_roles({"chief"}));
    CHECK(lane_of("critical") == "agent.stream:bob:critical ");
  }
}

TEST_CASE("lanes in shadow mode are taken as asked and recorded, switched off they are nobody's business") {
  TurnCase at;
  at.policy.highest_lane = Lane::kLow;
  at.policy.priorities = Mode::kShadow;
  at.decider.set_policy(at.policy);
  at.send({}, {envelope("alice", "bob", R"("priority":"critical")")});
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:bob:critical");
  CHECK(at.audited[0].shadow == Decision::kAllowed);
  CHECK(at.decider.result().counts().shadow == 1);

  at.policy.priorities = Mode::kOff;
  at.decider.set_policy(at.policy);
  at.send({.first = 2}, {envelope("alice", "bob", R"("priority":"critical")")});
  CHECK(at.delivered[0].stream == "agent.stream:bob:critical");
  CHECK_FALSE(at.audited[0].shadow);
}

TEST_CASE("the priority in the data counts where it is configured and meta has none") {
  TurnCase at;
  auto stream_of = [&](std::string_view meta, std::string_view data) {
    static unsigned char instance = 0;
    at.send({.instance = id_of(++instance)}, {envelope("alice", "bob", meta, data)});
    REQUIRE(at.delivered.size() == 1);
    return at.delivered[0].stream;
  };
  CHECK(stream_of("", R"({"priority":"high"})") == "agent.stream:bob");
  at.batch.look_for_priority_in_data(true);
  CHECK(stream_of("", R"({"priority":"high"})") == "agent.stream:bob:high");
  CHECK(stream_of("", R"({"x":{"priority":"high"}, "priority" : "CRITICAL"})") == "agent.stream:bob:critical");
  CHECK(stream_of("", R"({"x":{"priority":"high"}})") == "agent.stream:bob");
  CHECK(stream_of("", R"({"priority":"high","priority":3})") == "agent.stream:bob");
  CHECK(stream_of(R"("priority":"low")", R"({"priority":"high"})") == "agent.stream:bob:low");
  CHECK(stream_of(R"("priority":"odd")", R"({"priority":"high"})") == "agent.stream:bob");
  at.policy.highest_lane = Lane::kNormal;
  at.decider.set_policy(at.policy);
  CHECK(stream_of("", R"({"priority":"high"})") == "agent.stream:bob");
}
