// Error replies that the gateway writes: requests that are given up are answered once, to the instance that asked,
// under the same rules as every reply.
#include "proto/wire/error_reply.h"
#include "tests/unit/gatewayd/retry_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

/// Requests of alice that lie in bob's stream; one failure is for good.
struct ReplyCase : RetryCase {
  std::string stream = keys.reply_inbox("alice", id_of(0xa1).hex(), 0);

  ReplyCase() {
    policy.retry.attempts = 1;
    decider.set_policy(policy);
    add("bob", [](AgentFacts& agent) { agent.rules = rules({"carol"}); });  // he may not send to alice by himself
  }

  static std::string request(std::string_view more = {}) {
    return envelope("alice", "bob", R"("correlation_id":"c1","expects_reply":true)" + std::string(more));
  }
  std::string ticket(WallMicros lives = 60'000'000, std::string_view correlation = "c1") {
    std::string bytes;
    tickets.issue(bytes, {"alice", id_of(0xa1), "bob", correlation, now + lives});
    return bytes;
  }
  /// Entries of one request each. @return what bob's report of it is answered.
  Decision fail(const std::string& with, const std::string& text = request(), std::string_view id = kEntry) {
    entry(key(std::string(id)), {text}, {}, with);
    return report(id).decisions[0];
  }
  /// The envelope of the only delivery, which is in alice's reply stream.
  const std::string& reply() const {
    REQUIRE(delivered.size() == 1);
    CHECK(delivered[0].stream == stream);
    REQUIRE(delivered[0].envelopes.size() == 1);
    CHECK(delivered[0].tickets[0].empty());
    return delivered[0].envelopes[0];
  }
  const Audited& audited_for(std::string_view target) const {
    auto found = std::find_if(audited.begin(), audited.end(), [&](const Audited& one) { return one.target == target; });
    REQUIRE(found != audited.end());
    return *found;
  }
};

}  // namespace

TEST_CASE("a request that is given up is answered in the same turn, by the agent that failed") {
  ReplyCase at;
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const std::string meta = R"(,"conversation_id":"talk","traceparent":")" + trace + R"(","tracestate":"a=b")";
  CHECK(at.fail(at.ticket(), at.request(meta)) == Decision::kAllowed);
  CHECK(at.dead == std::vector<std::string>{"handler failed: it did not like it"});
  EnvelopeDecoder decoder;
  auto reply = decoder.decode(at.reply());
  REQUIRE(reply.ok());
  CHECK(reply->sender_id == "bob");
  CHECK(reply->target_id == "alice");
  CHECK(reply->message_type == kErrorReplyType);
  CHECK(reply->data == "{}");
  CHECK(reply->message_id.size() == 36);
  CHECK(reply->meta.correlation_id == "c1");
  CHECK(reply->meta.is_reply);
  CHECK_FALSE(reply->meta.expects_reply);
  CHECK(reply->meta.conversation_id == "talk");
  CHECK(reply->meta.traceparent == trace);
  CHECK(reply->meta.tracestate == "a=b");
  CHECK(reply->meta.error.code == "HANDLER_FAILED");
  CHECK(reply->meta.error.message == "it did not like it");
  REQUIRE(at.audited.size() == 2);  // the letter and the reply
  CHECK(at.audited_for("bob").decision == Decision::kHandlerFailed);
  CHECK(at.audited_for("alice").decision == Decision::kAllowed);
  CHECK(at.audited_for("alice").sender == "bob");
  CHECK(at.decider.result().counts().error_replies == 1);
  at.check_ledger();
}

TEST_CASE("a trace that is invalid is not in the answer") {
  ReplyCase at;
  CHECK(at.fail(at.ticket(), at.request(R"(,"traceparent":"00-t","tracestate":"a=b")")) == Decision::kAllowed);
  CHECK(at.reply().find("trace") == std::string::npos);
}

TEST_CASE("while it is delivered again, nobody is answered; at the end one is") {
  ReplyCase at;
  at.policy.retry.attempts = 2;
  at.decider.set_policy(at.policy);
  CHECK(at.fail(at.ticket()) == Decision::kAllowed);
  CHECK(at.delivered.empty());
  at.now = at.due();
  at.look();
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:bob");
  REQUIRE(at.delivered[0].tickets[0].size() == kTicketBytes);
  constexpr const char* kAgain = "1795350091000-0";
  at.entry(at.key(kAgain), at.delivered[0].envelopes, at.delivered[0].retries[0], at.delivered[0].tickets[0]);
  SECTION("it fails again") {
    CHECK(at.report(kAgain).decisions[0] == Decision::kAllowed);
    CHECK(at.reply().find("HANDLER_FAILED") != std::string::npos);
    CHECK(at.spent == std::vector<std::string>{at.key(kAgain)});
  }
  SECTION("it fails again, and nobody waits any more") {
    at.now += 61'000'000;
    CHECK(at.report(kAgain).decisions[0] == Decision::kAllowed);
    CHECK(at.delivered.empty());
    CHECK(at.dead.size() == 1);
  }
}

TEST_CASE("the same failure, reported again, is answered once") {
  ReplyCase at;
  CHECK(at.fail(at.ticket()) == Decision::kAllowed);
  CHECK(at.delivered.size() == 1);
  for (int i = 0; i < 10; ++i) {
    CHECK(at.report(kEntry).decisions[0] == Decision::kAllowed);
    CHECK(at.delivered.empty());
    CHECK(at.audited.empty());
  }
}

TEST_CASE("what is no request, or whose ticket is not good, is a dead letter without an answer") {
  ReplyCase at;
  SECTION("no ticket") { CHECK(at.fail("") == Decision::kAllowed); }
  SECTION("no correlation id") {
    CHECK(at.fail(at.ticket(), envelope("alice", "bob", R"("expects_reply":true)")) == Decision::kAllowed);
  }
  SECTION("expired") { CHECK(at.fail(at.ticket(-1)) == Decision::kAllowed); }
  SECTION("of another conversation") { CHECK(at.fail(at.ticket(60'000'000, "c2")) == Decision::kAllowed); }
  SECTION("forged") {
    std::string bytes = at.ticket();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    CHECK(at.fail(bytes) == Decision::kAllowed);
  }
  CHECK(at.delivered.empty());
  CHECK(at.dead.size() == 1);
  CHECK(at.decider.result().counts().error_replies == 0);
}

TEST_CASE("an answer is under the rules of every reply, and the dead letter does not depend on it") {
  ReplyCase at;
  Decision refused{};
  SECTION("the block list") {
    at.add("bob", [](AgentFacts& agent) { agent.rules = rules({}, {"alice"}); });
    refused = Decision::kAuthzDenied;
  }
  SECTION("the requester is gone") {
    at.agents.erase("alice");
    refused = Decision::kTargetNotFound;
  }
  SECTION("the reply stream is full") {
    at.lengths[at.stream] = at.policy.max_backlog_records;
    refused = Decision::kTargetOverloaded;
  }
  SECTION("the rate") {
    at.add("bob", [](AgentFacts& agent) { agent.limits = {.per_minute = 1}; });  // the report has used it up
    refused = Decision::kRateLimited;
  }
  CHECK(at.fail(at.ticket()) == Decision::kAllowed);
  CHECK(at.delivered.empty());
  CHECK(at.dead.size() == 1);
  CHECK(at.audited_for("bob").decision == Decision::kHandlerFailed);
  CHECK(at.audited_for("alice").decision == refused);
  CHECK(at.decider.result().counts().error_replies == 0);
}

TEST_CASE("an answer whose stream accepts no entry is audited, and is no dead letter of its own") {
  ReplyCase at;
  at.broken[at.stream] = "WRONGTYPE";
  for (std::string_view id : {std::string_view(kEntry), std::string_view("1795350092000-0")}) {
    CHECK(at.fail(at.ticket(), at.request(), id) == Decision::kAllowed);
    CHECK(at.delivered.empty());
    CHECK(at.dead == std::vector<std::string>{"handler failed: it did not like it"});
    CHECK(at.audited_for("alice").decision == Decision::kUnavailable);
    CHECK(at.decider.result().counts().error_replies == 0);
  }
}

TEST_CASE("data-loss prevention looks at the text of an answer") {
  ReplyCase at;
  at.policy.dlp = Mode::kEnforce;
  at.decider.set_policy(at.policy);
  auto rules = dlp::Rules::standard();
  REQUIRE(rules.ok());
  auto stage = dlp::ContentStage::make(*rules, std::nullopt, at.payload_key, limits::kEnvelopeBytes);
  REQUIRE(stage.ok());
  at.decider.set_dlp(stage->get());
  at.reason = "no account for card 4111 1111 1111 1111";
  CHECK(at.fail(at.ticket()) == Decision::kAllowed);
  CHECK(at.audited_for("alice").decision == Decision::kDlpBlocked);
  CHECK(at.delivered.empty());
  at.reason = "no account with the SSN 219-45-9876";
  CHECK(at.fail(at.ticket(), at.request(), "1795350092000-0") == Decision::kAllowed);
  CHECK(at.audited_for("alice").decision == Decision::kRedacted);
  CHECK(at.reply().find("219-45-") == std::string::npos);
  EnvelopeDecoder decoder;
  auto reply = decoder.decode(at.reply());
  REQUIRE(reply.ok());
  CHECK(reply->meta.error.code == "HANDLER_FAILED");
  CHECK(reply->meta.correlation_id == "c1");
}

TEST_CASE("a request that cannot be delivered again is answered, too") {
  ReplyCase at;
  at.policy.retry.attempts = 3;
  at.decider.set_policy(at.policy);
  at.fail(at.ticket());
  at.now = at.due();
  SECTION("its receiver's stream takes nothing") {
    at.broken["agent.stream:bob"] = "WRONGTYPE of a secret key";
    at.look();
    CHECK(at.reply().find(R"("code":"UNAVAILABLE")") != std::string::npos);
    CHECK(at.reply().find("secret") == std::string::npos);
    CHECK(at.audited_for("alice").decision == Decision::kAllowed);
  }
  SECTION("it has waited for room in the dead-letter queue") {
    at.policy.retry.attempts = 1;
    at.policy.dead_letters_closed = true;
    at.decider.set_policy(at.policy);
    at.look();
    CHECK(at.delivered.empty());  // it still waits
    at.policy.dead_letters_closed = false;
    at.decider.set_policy(at.policy);
    at.now = at.due();
    at.look();
    CHECK(at.reply().find(R"("code":"HANDLER_FAILED")") != std::string::npos);
    CHECK(at.dead.size() == 1);
  }
  at.check_ledger();
}

TEST_CASE("a turn answers so many requests; the failures of the others are to be reported again") {
  ReplyCase at;
  constexpr uint32_t kRequests = 1000;
  at.entry(at.key(kEntry), std::vector<std::string>(kRequests, at.request()), {}, at.ticket());
  std::vector<std::string> reports(kRequests);
  for (uint32_t i = 0; i < kRequests; ++i) FailureReport{Lane::kNormal, i, 0, kEntry, "no"}.encode(reports[i]);
  auto outcomes = at.send({"bob", id_of(0xb0), 1, "token of bob", {}, Record::kFailed}, reports);
  const auto taken = std::count(outcomes.decisions.begin(), outcomes.decisions.end(), Decision::kAllowed);
  CHECK(taken == ErrorReplies::kMaxOfTurn);
  CHECK(std::count(outcomes.decisions.begin(), outcomes.decisions.end(), Decision::kUnavailable) == kRequests - taken);
  CHECK(at.dead.size() == ErrorReplies::kMaxOfTurn);
  at.check_ledger();
}
