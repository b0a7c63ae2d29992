// Where turns may be at the same time, and how they move.
#include "daemons/gatewayd/turn/turn_pipeline.h"

#include "daemons/gatewayd/turn/turn_clock.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

using Hand = TurnPipeline::Hand;
using Read = TurnPipeline::Read;

void decide(TurnPipeline& pipeline) {
  for (Hand next : {Hand::kFetching, Hand::kDeciding, Hand::kDecided}) pipeline.move_hand(next);
}

}  // namespace

TEST_CASE("one turn alone goes through all places") {
  TurnPipeline pipeline;
  CHECK(pipeline.clear());
  pipeline.ask();
  pipeline.arrive();
  pipeline.begin();
  CHECK(pipeline.read() == Read::kNone);
  CHECK(pipeline.hand() == Hand::kDecoding);
  CHECK_FALSE(pipeline.clear());
  CHECK_FALSE(pipeline.may_commit());
  decide(pipeline);
  CHECK(pipeline.may_commit());
  pipeline.commit();
  CHECK(pipeline.hand() == Hand::kNone);
  CHECK(pipeline.committing());
  CHECK_FALSE(pipeline.clear());
  pipeline.commit_over();
  CHECK(pipeline.clear());
}

TEST_CASE("a turn waits for the commit before it, and for a read that passed over its elements") {
  TurnPipeline pipeline;
  pipeline.ask();
  pipeline.arrive();
  pipeline.begin();
  decide(pipeline);
  pipeline.commit();
  pipeline.ask();  // in the same write
  pipeline.commit_over();
  pipeline.arrive();
  pipeline.begin();
  pipeline.ask();  // ahead
  decide(pipeline);
  CHECK_FALSE(pipeline.may_commit());
  pipeline.arrive();
  CHECK(pipeline.may_commit());
  pipeline.commit();
  CHECK(pipeline.read() == Read::kHere);
  pipeline.begin();
  decide(pipeline);
  CHECK_FALSE(pipeline.may_commit());  // one is under way
  pipeline.commit_over();
  CHECK(pipeline.may_commit());
}

TEST_CASE("what is dropped is counted, and every place is free") {
  TurnPipeline pipeline;
  CHECK(pipeline.drop() == 0);
  pipeline.ask();
  CHECK(pipeline.drop() == 0);
  pipeline.ask();
  pipeline.arrive();
  pipeline.begin();
  decide(pipeline);
  pipeline.commit();
  CHECK(pipeline.drop() == 1);
  CHECK(pipeline.clear());
  CHECK(pipeline.read() == Read::kNone);
}

TEST_CASE("Redis answers in order: nothing that was read is there behind a commit, but what was there before it") {
  for (Hand hand : {Hand::kNone, Hand::kDecoding, Hand::kFetching, Hand::kDeciding, Hand::kDecided}) {
    CAPTURE(static_cast<int>(hand));
    for (Read read : {Read::kNone, Read::kAsked}) {
      CHECK(TurnPipeline::legal(read, hand, false));
      CHECK(TurnPipeline::legal(read, hand, true));
    }
    CHECK(TurnPipeline::legal(Read::kHere, hand, true) == (hand == Hand::kNone));
    CHECK(TurnPipeline::legal(Read::kHere, hand, false) == (hand != Hand::kDecoding));
  }
}

TEST_CASE("Redis's clock is followed, and a step of ten seconds is told") {
  TurnClock clock;
  const MonoTime start{std::chrono::hours(1)};
  using std::chrono::seconds;
  CHECK(clock.now(start) == 0);
  CHECK(clock.take(1'000'000'000, start) == 0);  // the first says nothing
  CHECK(clock.now(start + seconds(3)) == 1'003'000'000);
  CHECK(clock.take(1'012'999'999, start + seconds(3)) == 0);  // a slow answer
  CHECK(clock.take(1'022'999'999, start + seconds(3)) == 10'000'000);
  CHECK(clock.take(1'000'000'000, start + seconds(3)) == -22'999'999);
  CHECK(clock.steps() == -12'999'999);
  CHECK(clock.last() == 1'000'000'000);
}
