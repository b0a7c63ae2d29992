// Handlers that failed: reports, what waits and is delivered again, what is given up, and who is believed.
#include "tests/unit/gatewayd/retry_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

TEST_CASE("the message that failed is delivered again, alone, and given up when its attempts are used up") {
  RetryCase at;
  const std::string trace =
      R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"a=b")";
  std::string bad = envelope("alice", "bob", trace, R"({"n":1})");  // its trace goes on with each attempt
  at.entry(at.key(kEntry), {envelope("alice", "bob"), bad, envelope("alice", "bob")});
  WallMicros began = at.now;
  CHECK(at.report(kEntry, 1).decisions == Decisions{Decision::kAllowed});
  CHECK(at.audited.empty());
  CHECK(at.delivered.empty());
  CHECK(at.due() >= began + 500'000);
  CHECK(at.due() <= began + 1'000'000);
  CHECK(at.partition().next_retry == at.due());

  at.look();  // it is not due
  CHECK(at.delivered.empty());
  std::string retry;
  for (uint32_t attempt = 1; attempt < 3; ++attempt) {
    at.now = at.due();
    at.look();
    REQUIRE(at.delivered.size() == 1);
    CHECK(at.delivered[0].stream == "agent.stream:bob");
    CHECK(at.delivered[0].envelopes == std::vector<std::string>{bad});
    retry = at.delivered[0].retries[0];
    auto state = RetryState::decode(retry);
    REQUIRE(state.ok());
    CHECK(*state == RetryState{attempt, 1'795'350'090'000'000});
    CHECK(at.waiting.empty());
    CHECK(at.partition().retries == 0);
    CHECK(at.audited.empty());

    std::string again = std::to_string(at.now / 1000) + "-0";
    at.entry(at.key(again), {bad}, retry);
    at.report(again);
  }
  CHECK(at.waiting.empty());
  REQUIRE(at.dead.size() == 1);
  CHECK(at.dead[0] == "handler failed: it did not like it");
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kHandlerFailed);
  CHECK(at.audited[0].sender == "alice");
  CHECK(at.audited[0].target == "bob");
}

TEST_CASE("a failure that is reported twice waits once, and one of an entry that is gone is no news") {
  RetryCase at;
  at.entry(at.key(kEntry), {envelope("alice", "bob")});
  at.report(kEntry);
  at.now += 200'000;
  at.report(kEntry);
  CHECK(at.waiting.size() == 1);
  at.entries.clear();
  CHECK(at.report(kEntry).decisions == Decisions{Decision::kAllowed});
  CHECK(at.waiting.size() == 1);
}

TEST_CASE("a failure that is reported again after its retry was delivered is not delivered once more") {
  RetryCase at;
  const std::string other = "1795350090000-1";
  at.entry(at.key(kEntry), {envelope("alice", "bob"), envelope("alice", "bob")});
  at.entry(at.key(other), {envelope("alice", "bob")});
  at.report(kEntry);
  at.now = at.due();
  at.look();
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.report(kEntry).decisions == Decisions{Decision::kAllowed});
  CHECK(at.waiting.empty());
  at.report(kEntry, 1);
  CHECK(at.waiting.size() == 1);
  at.report(other);
  CHECK(at.waiting.size() == 2);

  at.partition().reports.clear();  // read anew: it may be delivered once more, and is never lost
  at.report(kEntry);
  CHECK(at.waiting.size() == 3);
}

TEST_CASE("so many reports are remembered, and the oldest gives way") {
  ReportMemory memory;
  auto report = [](uint32_t index) { return FailureReport{Lane::kNormal, index, 0, kEntry, {}}; };
  for (uint32_t i = 0; i <= ReportMemory::kMax; ++i) memory.add("bob", report(i));
  CHECK_FALSE(memory.contains("bob", report(0)));
  CHECK(memory.contains("bob", report(1)));
  CHECK(memory.contains("bob", report(ReportMemory::kMax)));
  CHECK_FALSE(memory.contains("bo", report(1)));
}

TEST_CASE("a report about what is not the reporter's, or is not there, is refused and audited") {
  RetryCase at;
  at.entry(at.key(kEntry), {envelope("alice", "bob")});
  SECTION("another agent's stream is not looked at") {
    CHECK(at.report(kEntry, 0, "carol").decisions == Decisions{Decision::kAllowed});
    CHECK(at.waiting.empty());
  }
  SECTION("a message for somebody else, which it wrote into its own stream") {
    at.entry(at.key(kEntry), {envelope("alice", "carol")});
    CHECK(at.report(kEntry).decisions == Decisions{Decision::kMalformed});
    CHECK(at.waiting.empty());
  }
  SECTION("a record that the entry has not") {
    CHECK(at.report(kEntry, 1).decisions == Decisions{Decision::kMalformed});
    CHECK(at.waiting.empty());
  }
  SECTION("a record that says of itself that it was retried") {
    std::string state;
    RetryState{1, 5}.encode(state);
    std::string records, frame;
    append_record(records, envelope("alice", "bob"), {}, 0, state);
    FrameHeader header;
    header.id = id_of(0xf1);
    header.instance = id_of(0xa1);
    header.timestamp = at.now;
    header.sender = "alice";
    header.credential = "token of alice";
    append_frame(frame, header, nullptr, 1, records);
    at.batch.append(at.partition_of("alice"), frame);
    at.decide();
    CHECK(at.receipt().decisions == Decisions{Decision::kMalformed});
  }
}

TEST_CASE("an agent's own number of attempts goes before the configuration's") {
  RetryCase at;
  at.add("bob", [](AgentFacts& agent) { agent.attempts = 1; });
  at.entry(at.key(kEntry), {envelope("alice", "bob")});
  at.report(kEntry);
  CHECK(at.waiting.empty());
  CHECK(at.dead.size() == 1);
}

TEST_CASE("while the dead-letter queue takes nothing, what was to be given up waits, and is a letter once it does") {
  RetryCase at;
  at.policy.retry.attempts = 1;
  at.policy.dead_letters_closed = at.policy.dead_letters_full = true;
  at.decider.set_policy(at.policy);
  at.entry(at.key(kEntry), {envelope("alice", "bob")});
  at.report(kEntry);
  CHECK(at.dead.empty());
  CHECK(at.due() == at.now + 8'000'000);
  at.now = at.due();
  at.look();
  CHECK(at.delivered.empty());
  CHECK(at.due() == at.now + 8'000'000);
  CHECK(at.partition().retries == 1);
  at.policy.dead_letters_closed = at.policy.dead_letters_full = false;
  at.decider.set_policy(at.policy);
  at.now = at.due();
  at.look();
  CHECK(at.delivered.empty());
  CHECK(at.dead.size() == 1);
  CHECK(at.waiting.empty());

  // Neither can wait nor be kept: it is to be reported again, and nothing is counted.
  at.policy.dead_letters_closed = true;
  at.policy.max_retries = 0;
  at.decider.set_policy(at.policy);
  std::string report;
  const std::string other = "1795350090001-0";
  at.entry(at.key(other), {envelope("alice", "bob")});
  FailureReport{Lane::kNormal, 0, 0, other, {}}.encode(report);
  Outcomes twice = at.send({"bob", id_of(0xb2), 1, "token of bob", {}, Record::kFailed}, {report, report});
  CHECK(twice.decisions == Decisions(2, Decision::kUnavailable));
  CHECK(at.decider.result().counts().failures == 0);
}

TEST_CASE("one record that is reported again and again counts once in a turn, and each entry is read once") {
  RetryCase at;
  at.policy.retry.attempts = 1;
  at.decider.set_policy(at.policy);
  std::string other = "1795350090001-0";
  at.entry(at.key(kEntry), {envelope("alice", "bob")});
  at.entry(at.key(other), {envelope("alice", "bob")});
  std::vector<std::string> reports;
  for (int i = 0; i < 100; ++i)
    FailureReport{Lane::kNormal, 0, 0, i % 2 == 0 ? kEntry : other, {}}.encode(reports.emplace_back());
  at.push({"bob", id_of(0xb0), 1, "token of bob", {}, Record::kFailed}, reports);
  at.decide();
  at.keep_results();
  CHECK(at.entries_read == 2);
  CHECK(at.dead.size() == 2);
  CHECK(at.decider.result().counts().failures == 2);
}

TEST_CASE("an entry of its own goes with its letter, so that a late report makes no other") {
  RetryCase at;
  std::string state;
  RetryState{2, at.now}.encode(state);
  at.entry(at.key(kEntry), {envelope("alice", "bob")}, state);
  at.report(kEntry);
  CHECK(at.dead.size() == 1);
  CHECK(at.spent == std::vector<std::string>{at.key(kEntry)});
}

TEST_CASE("a stream that cannot be read is no stream without the entry") {
  RetryCase at;
  at.unreadable.insert(at.key(kEntry));
  CHECK(at.report(kEntry).decisions == Decisions{Decision::kUnavailable});
}

TEST_CASE("what is due and past its deadline, or has no stream to go to, is a dead letter; without memory it waits") {
  RetryCase at;
  std::string text = envelope("alice", "bob", R"("deadline":)" + std::to_string(at.now / 1'000'000 + 5));
  at.entry(at.key(kEntry), {text});
  at.report(kEntry);
  SECTION("the deadline") {
    at.now += 6'000'000;
    at.look();
    CHECK(at.delivered.empty());
    CHECK(at.waiting.empty());
    REQUIRE(at.audited.size() == 1);
    CHECK(at.audited[0].decision == Decision::kExpired);
    CHECK(at.dead.size() == 1);
  }
  SECTION("the deadline, and no room for a letter") {
    at.policy.dead_letters_closed = true;
    at.decider.set_policy(at.policy);
    at.now += 6'000'000;
    at.look();
    CHECK(at.dead.empty());
    CHECK(at.due() == at.now + 8'000'000);
  }
  SECTION("the stream") {
    at.broken["agent.stream:bob"] = "WRONGTYPE";
    at.now = at.due();
    at.look();
    CHECK(at.delivered.empty());
    CHECK(at.waiting.empty());
    REQUIRE(at.audited.size() == 1);
    CHECK(at.audited[0].decision == Decision::kUnavailable);
    CHECK(at.dead.size() == 1);
  }
  SECTION("memory") {
    at.policy.memory_low = true;
    at.decider.set_policy(at.policy);
    at.now = at.due();
    at.look();
    CHECK(at.delivered.empty());
    CHECK(at.waiting.size() == 1);
    at.policy.memory_low = false;
    at.decider.set_policy(at.policy);
    at.look();
    CHECK(at.delivered.size() == 1);
  }
}

TEST_CASE("past the bound of what may wait, a failure is a dead letter at once") {
  RetryCase at;
  at.policy.max_retries = 2;
  at.decider.set_policy(at.policy);
  at.entry(at.key(kEntry), {envelope("alice", "bob"), envelope("alice", "bob"), envelope("alice", "bob")});
  for (uint32_t i = 0; i < 3; ++i) at.report(kEntry, i);
  CHECK(at.waiting.size() == 2);
  REQUIRE(at.dead.size() == 1);
  CHECK(at.dead[0].find("too many") != std::string::npos);
}

TEST_CASE("a member that cannot be read is a dead letter and blocks nothing") {
  RetryCase at;
  at.waiting["rubbish"] = at.now;
  at.look();
  CHECK(at.waiting.empty());
  REQUIRE(at.dead.size() == 1);
  CHECK(at.decider.result().counts().poison == 1);
}

TEST_CASE("a turn takes reports about so many entries; the others are to be reported again, and nothing is audited") {
  RetryCase at;
  std::vector<std::string> reports;
  for (int i = 1; i <= 70; ++i) {
    std::string id = std::to_string(i) + "-0";
    at.entry(at.key(id), {envelope("alice", "bob")});
    FailureReport report;
    report.entry = id;
    report.encode(reports.emplace_back());
  }
  Outcomes outcomes = at.send({"bob", id_of(0xb0), 1, "token of bob", {}, Record::kFailed}, reports);
  CHECK(std::count(outcomes.decisions.begin(), outcomes.decisions.end(), Decision::kAllowed) == 32);
  CHECK(std::count(outcomes.decisions.begin(), outcomes.decisions.end(), Decision::kUnavailable) == 38);
  CHECK(at.waiting.size() == 32);
  CHECK(at.audited.empty());
}

TEST_CASE("a report that is made again makes no other letter, however few attempts there are") {
  RetryCase at;
  at.policy.retry.attempts = 1;
  at.decider.set_policy(at.policy);
  at.entry(at.key(kEntry), {envelope("alice", "bob"), envelope("alice", "bob")});
  CHECK(at.report(kEntry, 1).decisions == Decisions{Decision::kAllowed});
  CHECK(at.dead.size() == 1);
  for (int i = 0; i < 100; ++i) {
    CHECK(at.report(kEntry, 1).decisions == Decisions{Decision::kAllowed});
    REQUIRE(at.dead.empty());
    REQUIRE(at.audited.empty());
  }
  CHECK(at.report(kEntry, 0).decisions == Decisions{Decision::kAllowed});
  CHECK(at.dead.size() == 1);
}

TEST_CASE("reports take of their sender's limits") {
  RetryCase at;
  at.add("bob", [](AgentFacts& agent) { agent.limits = {.per_minute = 2}; });
  at.entry(at.key(kEntry), {envelope("alice", "bob"), envelope("alice", "bob"), envelope("alice", "bob")});
  CHECK(at.report(kEntry, 0).decisions == Decisions{Decision::kAllowed});
  CHECK(at.report(kEntry, 1).decisions == Decisions{Decision::kAllowed});
  auto refused = at.report(kEntry, 2);
  CHECK(refused.decisions == Decisions{Decision::kRateLimited});
  CHECK(refused.retry_after[0] > 0);
  at.now += 60'000'000;
  CHECK(at.report(kEntry, 2).decisions == Decisions{Decision::kAllowed});
}

TEST_CASE("reports that are not their sender's take no place of those that are") {
  RetryCase at;
  at.add("bob", [](AgentFacts& agent) { agent.secrets.keys.push_back({"k1", HmacKey("bob's"), 0}); });
  for (int i = 0; i < 100; ++i) {  // they name bob's key, and were not made with it
    std::string report, records, forged;
    const std::string id = "1795350090000-" + std::to_string(i + 1);
    FailureReport{Lane::kNormal, 0, 0, id, "forged"}.encode(report);
    append_record(records, report, {}, Record::kFailed);
    FrameHeader header;
    header.id = id_of(0xf1);
    header.instance = new_instance_id();
    header.first_sequence = 1;
    header.timestamp = at.now;
    header.sender = "bob";
    header.kind = CredentialKind::kKey;
    header.credential = "k1";
    const Digest mac{};
    append_frame(forged, header, &mac, 1, records);
    at.batch.append(TurnCase::partition_of("bob"), forged);
  }
  std::string bytes;
  FailureReport{Lane::kNormal, 0, 0, kEntry, "true"}.encode(bytes);
  at.entry(at.key(kEntry), {envelope("alice", "bob")});
  at.push({"bob", id_of(0xb0), 1, "token of bob", {}, Record::kFailed}, {bytes});
  at.decide();
  CHECK(at.entries_read == 1);
  CHECK(at.receipt(100).decisions == Decisions{Decision::kAllowed});
}
