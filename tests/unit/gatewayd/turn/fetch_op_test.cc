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

  Fetching() {
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
  std::string frame() { return frames.frame({}, {envelope("alice", "bob")}); }
  unsigned alices() const { return mas::partition_of("alice", kTwoPartitions); }
  /// Takes in hand what was read, until Redis is asked or the turn is decided.
  void begin(unsigned number, const std::string& element) {
    parts.pipeline.ask();
    parts.batch.start();
    parts.batch.append(number, element);
    parts.pipeline.arrive();
    decide.begin();
    run([this] { return redis.waiting(); });
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
  at.begin(at.alices(), at.frame());
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
  at.begin(at.alices(), at.frame());
  at.answer_all();
  CHECK(at.told == Told{"decoded", "fetched", "decided"});

  for (const char* words : {"LOADING Redis is loading the dataset in memory", "NOPERM no permission"}) {
    CAPTURE(words);
    Fetching refused;
    refused.redis.says["EVAL"] = error(words);
    refused.begin(refused.alices(), refused.frame());
    refused.answer_all();
    CHECK(refused.told == Told{"decoded", "failed facts_unreadable"});
  }
  Fetching untracked;
  untracked.redis.says["CLIENT"] = error("ERR CLIENT CACHING can be called only when the client is in tracking mode");
  untracked.begin(untracked.alices(), untracked.frame());
  untracked.answer_all();
  CHECK(untracked.told == Told{"decoded", "failed facts_unreadable"});
}

TEST_CASE("a link that is lost while facts are read is told once, wherever it is lost") {
  Fetching whole;
  whole.begin(whole.alices(), whole.frame());
  const size_t replies = whole.redis.sent.size();
  REQUIRE(replies > 1);
  for (size_t answered = 0; answered < replies; ++answered) {
    CAPTURE(answered);
    Fetching at;
    at.begin(at.alices(), at.frame());
    for (size_t i = 0; i < answered; ++i) at.redis.answer();
    at.redis.lose({answered % 2 == 0 ? Errc::kConnectionLost : Errc::kTooLarge, "the link was lost"});
    CHECK(at.told == Told{"decoded", "failed facts_unreadable"});
    at.told.clear();
    at.begin(at.alices(), at.frame());
    at.answer_all();
    CHECK(at.told == Told{"decoded", "fetched", "decided"});
  }
}

TEST_CASE("a read that cannot be sent drops the turn") {
  Fetching at;
  at.redis.refusal = Error{Errc::kUnreachable, "no link"};
  at.begin(at.alices(), at.frame());
  CHECK(at.told == Told{"decoded", "failed facts_unreadable"});
}

TEST_CASE("nothing is told of a read that was forgotten") {
  Fetching at;
  at.begin(at.alices(), at.frame());
  at.op.reset();
  at.redis.answer_all();
  CHECK(at.told == Told{"decoded"});
}
