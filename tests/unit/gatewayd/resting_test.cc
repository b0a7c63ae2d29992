// Partitions at rest: when they are looked at, what is logged, and how a relapse makes looks rarer. Time is a number.
#include "daemons/gatewayd/turn/resting.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace std::chrono_literals;

namespace {

constexpr MonoTime kStart{1h};

}  // namespace

TEST_CASE("nobody rests at first") {
  Resting resting;
  CHECK(resting.size() == 0);
  CHECK_FALSE(resting.asleep(3, kStart));
  CHECK_FALSE(resting.any_due(kStart));
  CHECK_FALSE(resting.next_look(kStart).has_value());
  CHECK_FALSE(resting.mark_healthy(3, kStart));
  resting.forget(3);
  resting.look_now(kStart);
  CHECK(resting.reasons().empty());
}

TEST_CASE("one that rests sleeps until it is looked at, and wakes when it is well") {
  Resting resting;
  CHECK(resting.rest(3, "why", kStart));
  CHECK(resting.rest(5, "other", kStart + 1s));
  CHECK(resting.size() == 2);
  CHECK(resting.reasons() == std::map<unsigned, std::string>{{3, "why"}, {5, "other"}});
  CHECK(resting.asleep(3, kStart));
  CHECK_FALSE(resting.asleep(4, kStart));
  CHECK(resting.next_look(kStart + 1s) == Resting::kFirstLook - 1s);
  CHECK_FALSE(resting.any_due(kStart + Resting::kFirstLook - 1ns));
  CHECK(resting.any_due(kStart + Resting::kFirstLook));
  CHECK_FALSE(resting.asleep(3, kStart + Resting::kFirstLook));
  CHECK(resting.asleep(5, kStart + Resting::kFirstLook));
  CHECK(resting.next_look(kStart + 1h) == Duration::zero());
  CHECK(resting.mark_healthy(3, kStart + 2s));
  CHECK_FALSE(resting.mark_healthy(3, kStart + 2s));
  CHECK(resting.size() == 1);
  CHECK_FALSE(resting.asleep(3, kStart + 2s));
  resting.forget(5);
  CHECK(resting.size() == 0);
  CHECK_FALSE(resting.next_look(kStart).has_value());
}

TEST_CASE("still broken at a look: the next one comes as soon, and the log hears of it once in a while") {
  Resting resting;
  MonoTime now = kStart;
  unsigned logged = 0;
  for (; now < kStart + 10 * Resting::kLogPeriod; now += Resting::kFirstLook) {
    logged += resting.rest(3, "why", now) ? 1 : 0;
    REQUIRE(resting.next_look(now) == Resting::kFirstLook);
  }
  CHECK(logged == 10);
  CHECK(resting.rest(3, "something else", now));  // the first was repaired, and this is behind it
}

TEST_CASE("who looks well and is not is looked at ever more rarely, until it stayed well") {
  Resting resting;
  MonoTime now = kStart;
  resting.rest(3, "why", now);
  for (Duration period : {4s, 8s, 16s, 32s, 60s, 60s}) {
    resting.mark_healthy(3, now += 1s);
    resting.rest(3, "why", now += 1s);
    CHECK(resting.next_look(now) == period);
  }
  resting.mark_healthy(3, now);
  resting.rest(3, "why", now += Resting::kProbation);
  CHECK(resting.next_look(now) == Resting::kFirstLook);
}

TEST_CASE("another Redis: all are looked at at once") {
  Resting resting;
  resting.rest(3, "why", kStart);
  resting.rest(5, "why", kStart);
  resting.look_now(kStart + 1s);
  CHECK_FALSE(resting.asleep(3, kStart + 1s));
  CHECK_FALSE(resting.asleep(5, kStart + 1s));
  CHECK(resting.any_due(kStart + 1s));
  CHECK(resting.size() == 2);
}
