// Fetching: when there is nothing to read, what is read, and what drops the turn.
#include "daemons/gatewayd/turn/fetch_op.h"

#include "daemons/gatewayd/turn/decide_op.h"
#include "tests/unit/gatewayd/turn/turn_fixture.h"
#include "tests/unit/gatewayd/turn_case.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

namespace {

using Hand = TurnPipeline::Hand;

struct Fetching : TurnFixture {
  DecideOp decide{parts, *this};
  FetchOp op{parts, nullptr, *this};
  TurnCase frames;

  explicit Fetching(KeyLayout layout = KeyLayout::kOneServer) : TurnFixture({}, layout) {
    fence_all();
    parts.decider.set_policy(parts.options.policy);
    on_failure = [this] {
      decide.reset();
      op.reset();
      parts.pipeline.drop();
    };
  }
  void on_decoded() override {
    TurnFixture::on_decoded();
    parts.pipeline.move_hand(Hand::kFetching);
    op.start();
  }
  void on_fetched() override {
    TurnFixture::on_fetched();
    decide.decide();
  }
  std::string frame_of_alice() { return frames.frame({}, {envelope("alice", "bob")}); }
  unsigned alices() const { return mas::partition_of("alice", kTwoPartitions); }
  /// Takes in hand what was read, until Redis is asked or the turn is decided.
  void begin(unsigned number, const std::string& element) {
    parts.pipeline.ask();
    parts.batch.start();
    parts.batch.append(number, element);
    parts.pipeline.arrive();
    decide.begin();
    run([this] { return redis.waiting() || facts.waiting(); });
  }
  /// Lets the slices run.
  template <typename Until>
  void run(Until until) {
    for (unsigned i = 0; i < 100'000 && !until() && !ended(); ++i) uv_run(&loop.uv, UV_RUN_NOWAIT);
  }
  bool ended() const { return !told.empty() && (told.back() == "decided" || told.back().starts_with("failed")); }
  void answer_all() {
    for (unsigned i = 0; i < 100 && !ended(); ++i) {
      redis.answer_all();
      run([this] { return redis.waiting(); });
    }
  }
};

}  // namespace

TEST_CASE("a turn that lacks nothing is decided without a read") {
  Fetching at;
  at.begin(0, "no frame");
  CHECK(at.told == Told{"decoded", "fetched", "decided"});
  CHECK(at.redis.sent.empty());
  CHECK(at.parts.pipeline.may_commit());
}

TEST_CASE("agents that are not known are read, by a bounded number of reads") {
  Fetching at;
  at.begin(at.alices(), at.frame_of_alice());
  CHECK(at.redis.waiting());
  CHECK(at.told == Told{"decoded"});
  at.answer_all();
  CHECK(at.told == Told{"decoded", "fetched", "decided"});
  CHECK(at.redis.count("CLIENT") > 0);
  CHECK(at.parts.stats.round_trips.value() >= 1);
  CHECK(at.parts.stats.round_trips.value() <= 4);
}

TEST_CASE("a key that cannot be read is a fact, a Redis that cannot serve is none") {
  Fetching at;
  at.redis.says["EVAL"] = wrong_type();
  at.begin(at.alices(), at.frame_of_alice());
  at.answer_all();
  CHECK(at.told == Told{"decoded", "fetched", "decided"});

  for (const char* words : {"LOADING Redis is loading the dataset in memory", "NOPERM no permission"}) {
    CAPTURE(words);
    Fetching refused;
    refused.redis.says["EVAL"] = error(words);
    refused.begin(refused.alices(), refused.frame_of_alice());
    refused.answer_all();
    CHECK(refused.told == Told{"decoded", "failed facts_unreadable"});
  }
  Fetching untracked;
  untracked.redis.says["CLIENT"] = error("ERR CLIENT CACHING can be called only when the client is in tracking mode");
  untracked.begin(untracked.alices(), untracked.frame_of_alice());
  untracked.answer_all();
  CHECK(untracked.told == Told{"decoded", "failed facts_unreadable"});
}

TEST_CASE("a link that is lost while facts are read is told once, wherever it is lost") {
  Fetching whole;
  whole.begin(whole.alices(), whole.frame_of_alice());
  const size_t replies = whole.redis.sent.size();
  REQUIRE(replies > 1);
  for (size_t answered = 0; answered < replies; ++answered) {
    CAPTURE(answered);
    Fetching at;
    at.begin(at.alices(), at.frame_of_alice());
    for (size_t i = 0; i < answered; ++i) at.redis.answer();
    at.redis.lose({answered % 2 == 0 ? Errc::kConnectionLost : Errc::kTooLarge, "the link was lost"});
    CHECK(at.told == Told{"decoded", "failed facts_unreadable"});
    at.told.clear();
    at.begin(at.alices(), at.frame_of_alice());
    at.answer_all();
    CHECK(at.told == Told{"decoded", "fetched", "decided"});
  }
}

TEST_CASE("a read that cannot be sent drops the turn") {
  Fetching at;
  at.redis.refusal = Error{Errc::kUnreachable, "no link"};
  at.begin(at.alices(), at.frame_of_alice());
  CHECK(at.told == Told{"decoded", "failed facts_unreadable"});
}

TEST_CASE("nothing is told of a read that was forgotten") {
  Fetching at;
  at.begin(at.alices(), at.frame_of_alice());
  at.op.reset();
  at.redis.answer_all();
  CHECK(at.told == Told{"decoded"});
}

TEST_CASE("on a cluster facts are read by a link of their own, streams by the turns' link, in any order") {
  for (const bool facts_first : {true, false}) {
    Fetching at(KeyLayout::kCluster);
    at.begin(at.alices(), at.frame_of_alice());
    REQUIRE((at.redis.waiting() && at.facts.waiting()));
    CHECK(at.facts.count("CLIENT") == 0);  // all that the link reads is tracked
    CHECK(at.facts.count("TYPE") == 0);
    CHECK(at.redis.count("EVAL") == 0);
    for (unsigned i = 0; i < 100 && !at.ended(); ++i) {
      (facts_first ? at.facts : at.redis).answer_all();
      (facts_first ? at.redis : at.facts).answer_all();
      at.run([&at] { return at.redis.waiting() || at.facts.waiting(); });
    }
    CHECK(at.told == Told{"decoded", "fetched", "decided"});
    CHECK(at.redis.count("TYPE") == kTwoPartitions);  // of alice
  }
}

TEST_CASE("on a cluster a stream of any partition tells of a target that took part") {
  for (const unsigned p : {0u, 1u}) {
    Fetching at(KeyLayout::kCluster);
    at.redis.says["TYPE " + at.frame.keys().inbox("bob", Lane::kNormal, p)] = text("stream");
    FactReader reader(at.redis, at.facts, at.frame.keys(), at.parts.facts, nullptr, [](const Status&) {});
    reader.set_partitions(kTwoPartitions);
    AgentFacts& bob = at.parts.facts.need("bob", kPresence);
    REQUIRE(reader.read({}));
    at.facts.answer_all();
    at.redis.answer_all();
    CHECK(bob.has_stream);
  }
}
