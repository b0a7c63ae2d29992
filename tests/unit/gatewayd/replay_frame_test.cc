// Dead letters: refused at the bound of their queue; and those that come back: who is believed, what today's policy
// says, and that none is lost or kept twice.
#include "daemons/gatewayd/replay/replay_frame.h"

#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

struct ReplayCase : TurnCase {
  WallMicros first = 1'795'000'000'000'000;

  void push_letter(const std::string& payload, const HmacKey& with, unsigned partition = partition_of("alice")) {
    auto frame = replay_frame({payload, "alice", 2, first}, "", partition, with);
    REQUIRE(frame.ok());
    batch.append(partition, *frame);
  }

  void replay(const std::string& payload) {
    push_letter(payload, replay_key);
    decide();
    keep_results();
  }

  ReceiptKind receipt_kind() const {
    REQUIRE(decider.result().receipts().size() == 1);
    ReceiptMessage message;
    REQUIRE(decode_receipt(decider.result().receipts()[0].bytes, message).ok());
    return message.kind;
  }

  const DeadLetter& returned() const {
    REQUIRE(decider.result().dead_letters().size() == 1);
    return decider.result().dead_letters()[0];
  }
};

}  // namespace

TEST_CASE("a message that would become a dead letter is DLQ_FULL where the queue is at its bound") {
  TurnCase at;
  at.broken["agent.stream:bob"] = "WRONGTYPE";
  CHECK(at.send({}, {envelope("alice", "bob")}).decisions == Decisions{Decision::kUnavailable});
  REQUIRE(at.dead.size() == 1);

  at.policy.dead_letters_closed = at.policy.dead_letters_full = true;
  at.decider.set_policy(at.policy);
  Outcomes outcomes = at.send({.first = 2}, {envelope("alice", "bob"), envelope("alice", "carol")});
  CHECK(outcomes.decisions == Decisions{Decision::kDlqFull, Decision::kAllowed});
  CHECK(outcomes.details[0].find("at its bound") != std::string::npos);
  CHECK(at.dead.empty());
  CHECK(at.audited.size() == 2);
}

TEST_CASE("a letter that is accepted is delivered as replayed, and nothing is remembered of its sender") {
  ReplayCase at;
  std::string sent = envelope("alice", "bob", R"("expects_reply":true,"correlation_id":"c1")");
  at.replay(sent);
  REQUIRE(at.delivered.size() == 1);
  CHECK(at.delivered[0].stream == "agent.stream:bob");
  CHECK(at.delivered[0].envelopes == std::vector<std::string>{sent});
  CHECK(at.delivered[0].tickets == std::vector<std::string>{""});
  const std::string blob = blob_of(at.decider.result().deliveries()[0]);
  RecordReader reader(*records_of_entry(blob));
  Record record;
  REQUIRE(reader.next(record));
  CHECK(record.flags == Record::kReplayed);
  CHECK(at.dead.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kAllowed);
  CHECK(at.audited[0].reason == "replayed");
  CHECK(at.decider.result().receipts().empty());
  CHECK(at.decider.result().work()[0]->elements == 1);
  CHECK(at.decider.result().work()[0]->fields.empty());
  CHECK(at.decider.result().counts().replayed == 1);
}

TEST_CASE("a letter that is refused comes back with its attempts, its first time and the new reason") {
  ReplayCase at;
  std::string sent = envelope("alice", "nobody");
  SECTION("by the policy") {
    at.replay(sent);
    CHECK(at.returned().reason.starts_with("replayed: TARGET_NOT_FOUND: "));
  }
  SECTION("also where the queue is at its bound") {
    at.policy.dead_letters_closed = at.policy.dead_letters_full = true;
    at.decider.set_policy(at.policy);
    at.replay(sent);
  }
  SECTION("its deadline has passed") {
    sent = envelope("alice", "bob", R"("deadline":1.5)");
    at.replay(sent);
    CHECK(at.returned().reason.starts_with("replayed: EXPIRED: "));
  }
  SECTION("the target's stream takes nothing") {
    at.broken["agent.stream:bob"] = "WRONGTYPE";
    sent = envelope("alice", "bob");
    at.replay(sent);
    CHECK(at.returned().reason.starts_with("replayed: UNAVAILABLE: the target's stream"));
  }
  SECTION("its sender was suspended") {
    at.add("alice", [](AgentFacts& agent) {
      agent.secrets.found = SenderSecrets::Found::kReadable;
      agent.secrets.state = IdentityState::kSuspended;
    });
    sent = envelope("alice", "bob");
    at.replay(sent);
    CHECK(at.returned().reason.starts_with("replayed: SUSPENDED: "));
  }
  SECTION("the partitions are others by now") {
    sent = envelope("alice", "bob");
    at.push_letter(sent, at.replay_key, (TurnCase::partition_of("alice") + 1) % kPartitions);
    at.decide();
    at.keep_results();
  }
  const DeadLetter& letter = at.returned();
  CHECK(letter.payload == sent);
  CHECK(letter.sender == "alice");
  CHECK(letter.message_id == "m1");
  CHECK(letter.attempts == 2);
  CHECK(letter.first == at.first);
  CHECK(at.delivered.empty());
  CHECK(at.audited.size() == 1);
  CHECK(at.decider.result().receipts().empty());
}

TEST_CASE("short of memory, a letter goes back and nothing else is written") {
  ReplayCase at;
  at.policy.memory_low = true;
  at.decider.set_policy(at.policy);
  at.replay(envelope("alice", "bob"));
  CHECK(at.returned().reason == "replayed: UNAVAILABLE: Redis is short of memory");
  CHECK(at.audited.empty());
}

TEST_CASE("who is no gateway replays nothing") {
  ReplayCase at;
  at.push_letter(envelope("alice", "bob"), HmacKey("another"));
  at.decide();
  CHECK(at.receipt_kind() == ReceiptKind::kFrameRefused);
  at.keep_results();
  CHECK(at.delivered.empty());
  CHECK(at.dead.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kAuthFailed);
  CHECK(std::count(at.agents_read.begin(), at.agents_read.end(), "bob") == 0);
}

TEST_CASE("what is no envelope of the letter's sender cannot be replayed") {
  HmacKey key("replays");
  CHECK_FALSE(replay_frame({"no envelope", "alice", 0, 0}, "", 0, key).ok());
  CHECK_FALSE(replay_frame({envelope("bob", "carol"), "alice", 0, 0}, "", 0, key).ok());
  CHECK_FALSE(replay_frame({envelope("alice", "bob"), "", 0, 0}, "", 0, key).ok());
}
