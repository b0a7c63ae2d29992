// What a turn keeps in the archive, and what becomes of messages that come back from there.
#include "daemons/gatewayd/replay/replay_frame.h"
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

struct ArchiveCase : TurnCase {
  archive::Key archive_key = *archive::Key::of("k1", "0123456789abcdef0123456789ABCDEF");

  ArchiveCase() { decider.set_archive(&archive_key); }

  /// The entry of the turn that was decided last, of the only partition that had work.
  const std::string& entry() const {
    REQUIRE(decider.result().work().size() == 1);
    return decider.result().work()[0]->archive_entry;
  }

  void replay(const std::string& payload, bool from_archive) {
    ReplayedLetter letter{payload, "alice", 0, now};
    if (from_archive) letter.credential = kArchiveKey;
    auto frame = replay_frame(letter, "", partition_of("alice"), replay_key);
    REQUIRE(frame.ok());
    batch.append(partition_of("alice"), *frame);
    decide();
    keep_results();
  }
};

}  // namespace

TEST_CASE("what is delivered is archived, what is refused is not") {
  ArchiveCase at;
  std::string sent = envelope("alice", "bob");
  at.send({}, {sent, envelope("alice", "nobody"), envelope("alice", "carol")});
  archive::Entry entry;
  REQUIRE(archive::decode(at.entry(), entry).ok());
  CHECK(entry.time == at.now);
  REQUIRE(entry.records.size() == 2);
  CHECK(entry.records[0].sender == "alice");
  CHECK(entry.records[0].target == "bob");
  CHECK(entry.records[0].type == "note");
  CHECK(entry.records[0].message_id == "m1");
  CHECK(entry.records[1].target == "carol");
  auto plain = archive::open(entry, at.archive_key, at.keys.archive(TurnCase::partition_of("alice")));
  REQUIRE(plain.ok());
  CHECK(plain->substr(0, entry.records[0].size) == sent);
  CHECK(at.decider.result().counts().archived == 2);

  at.send({.first = 4}, {envelope("alice", "nobody")});
  CHECK(at.entry().empty());
  at.decider.set_archive(nullptr);
  at.send({.first = 5}, {sent});
  CHECK(at.entry().empty());
}

TEST_CASE("what comes from the archive is delivered as replayed and not archived again") {
  ArchiveCase at;
  at.replay(envelope("alice", "bob"), true);
  CHECK(at.delivered.size() == 1);
  CHECK(at.entry().empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].reason == "replayed");
  CHECK(at.decider.result().counts().archive_replayed == 1);
  CHECK(at.decider.result().counts().replayed == 0);
  const std::string blob = blob_of(at.decider.result().deliveries()[0]);
  RecordReader reader(*records_of_entry(blob));
  Record record;
  REQUIRE(reader.next(record));
  CHECK(record.flags == Record::kReplayed);
}

TEST_CASE("what comes from the archive and is refused is audited and no letter") {
  ArchiveCase at;
  std::string to = "nobody";
  SECTION("by the policy") {}
  SECTION("by a stream that takes nothing") {
    to = "bob";
    at.broken["agent.stream:bob"] = "WRONGTYPE";
  }
  SECTION("by a circuit whose messages are kept") {
    to = "bob";
    at.policy.breaker.on_open = OnOpen::kDeadLetter;
    at.policy.breaker_mode = Mode::kEnforce;
    at.decider.set_policy(at.policy);
    at.circuits["bob"] = {CircuitState::kForcedOpen};
  }
  at.replay(envelope("alice", to), true);
  CHECK(at.delivered.empty());
  CHECK(at.dead.empty());
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].reason.starts_with("replayed: "));
}

TEST_CASE("a frame of the archive is not one of a letter") {
  ArchiveCase letters, at;
  std::string sent = envelope("alice", "nobody");
  letters.replay(sent, false);
  CHECK(letters.dead.size() == 1);
  ReplayedLetter letter{sent, "alice", 0, at.now};
  std::string frame = *replay_frame(letter, "", TurnCase::partition_of("alice"), at.replay_key);
  auto place = frame.find(kReplayKey);
  frame.replace(place - 2, 2 + kReplayKey.size(), std::string("\x08\0", 2) + std::string(kArchiveKey));
  at.batch.append(TurnCase::partition_of("alice"), frame);
  at.decide();
  at.keep_results();
  REQUIRE(at.audited.size() == 1);
  CHECK(at.audited[0].decision == Decision::kAuthFailed);
}
