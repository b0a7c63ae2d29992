// Requests, their tickets and deadlines, and the replies that come back by them.
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

TEST_CASE("a request carries a ticket, and the reply with it comes back to the instance that asked") {
  TurnCase at;
  at.add("bob", [](AgentFacts& agent) { agent.rules = rules({"carol"}); });  // bob may not send to alice by himself
  std::string question = envelope("alice", "bob", R"("correlation_id":"c1","expects_reply":true)");
  at.send({}, {question, envelope("alice", "bob")});
  REQUIRE(at.delivered[0].tickets.size() == 2);
  std::string ticket = at.delivered[0].tickets[0];
  CHECK(ticket.size() == kTicketBytes);
  CHECK(at.delivered[0].tickets[1].empty());

  uint64_t sequence = 1;
  auto reply = [&](std::string_view correlation, const std::string& with, std::string_view target = "alice",
                   bool is_reply = true) {
    std::string meta = R"("correlation_id":")" + std::string(correlation) + R"(","is_reply":)";
    meta += is_reply ? "true" : "false";
    Sent sent{.sender = "bob", .instance = id_of(0xb0), .first = sequence++, .token = "token of bob", .ticket = with};
    return at.send(sent, {envelope("bob", target, meta)}).decisions[0];
  };
  std::string stream = at.keys.reply_inbox("alice", id_of(0xa1).hex(), 0);
  SECTION("as it should be") {
    CHECK(reply("c1", ticket) == Decision::kAllowed);
    REQUIRE(at.delivered.size() == 1);
    CHECK(at.delivered[0].stream == stream);
    CHECK(at.delivered[0].tickets[0].empty());
  }
  SECTION("otherwise not") {
    CHECK(reply("c1", "") == Decision::kAuthzDenied);
    CHECK(reply("c2", ticket) == Decision::kAuthzDenied);
    CHECK(reply("c1", ticket, "alice", false) == Decision::kAuthzDenied);
    CHECK(reply("c1", ticket, "carol") == Decision::kAllowed);  // by his own right, to the lane
    CHECK(at.delivered[0].stream == "agent.stream:carol");
    ticket[3] = static_cast<char>(ticket[3] ^ 1);
    CHECK(reply("c1", ticket) == Decision::kAuthzDenied);
  }
  SECTION("not past its time") {
    at.now += 60'000'000;
    CHECK(reply("c1", ticket) == Decision::kAllowed);
    at.now += 1;
    CHECK(reply("c1", ticket) == Decision::kAuthzDenied);
  }
  SECTION("the block list holds for replies, too") {
    at.add("bob", [](AgentFacts& agent) { agent.rules = rules({}, {"alice"}); });
    at.facts.changed("agent:bob:blocked_targets");
    CHECK(reply("c1", ticket) == Decision::kAuthzDenied);
  }
  SECTION("to the instance also where authorisation is off") {
    at.policy.authorisation = Mode::kOff;
    at.decider.set_policy(at.policy);
    CHECK(reply("c1", ticket) == Decision::kAllowed);
    REQUIRE(at.delivered.size() == 1);
    CHECK(at.delivered[0].stream == stream);
  }
  SECTION("a reply stream has its bounds like any other") {
    at.lengths[stream] = at.policy.max_backlog_records;
    CHECK(reply("c1", ticket) == Decision::kTargetOverloaded);
  }
  SECTION("a reply stream that takes nothing keeps nobody else waiting") {
    at.broken[stream] = "WRONGTYPE";
    CHECK(reply("c1", ticket) == Decision::kUnavailable);
    CHECK(at.delivered.empty());
    CHECK(at.dead.size() == 1);
  }
  SECTION("one that refuses the entry only is remembered for a while") {
    CHECK(reply("c1", ticket) == Decision::kAllowed);
    TargetStream& inbox = *at.last_delivery;
    inbox.failing = "ERR the id is the last one";
    inbox.failing_until = at.mono + 5s;
    CHECK(reply("c1", ticket) == Decision::kUnavailable);
    at.mono += 5s;
    CHECK(reply("c1", ticket) == Decision::kAllowed);
  }
}

TEST_CASE("a deadline that is given counts, whatever number it is") {
  TurnCase at;
  for (const char* deadline : {"0", "-1", "-1e300", "0.0", "1795350095.9"}) {
    INFO(deadline);
    auto meta = R"("expects_reply":true,"deadline":)" + std::string(deadline);
    auto decided = at.send({.instance = new_instance_id()},
                           {envelope("alice", "bob", meta), envelope("alice", "bob", R"("deadline":null)")});
    CHECK(decided.decisions == Decisions{Decision::kExpired, Decision::kAllowed});
  }
}

TEST_CASE("a ticket lives as long as its request, also past the end of time") {
  TurnCase at;
  at.add("bob", [](AgentFacts& agent) { agent.rules = rules({"carol"}); });
  for (const char* deadline : {"1e300", "9e15", "1795350196.5"}) {
    INFO(deadline);
    auto meta = R"("correlation_id":"c1","expects_reply":true,"deadline":)" + std::string(deadline);
    auto instance = new_instance_id();
    CHECK(at.send({.instance = instance}, {envelope("alice", "bob", meta)}).decisions == Decisions{Decision::kAllowed});
    std::string ticket = at.delivered[0].tickets[0];
    TicketClaim claim{"alice", {}, "bob", "c1"};
    CHECK(at.tickets.accept(ticket, claim, at.now + 100'000'000));
    CHECK(claim.instance == instance);
  }
}
