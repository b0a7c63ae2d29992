// The breaker over simulated time: what opens it, trials, growing open times, inactive agents, operators, several
// gateways.
#include "daemons/gatewayd/breaker/breaker.h"

#include <random>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace std::chrono_literals;

namespace {

constexpr WallMicros kNow = 1'795'350'060'000'000;
constexpr WallMicros kSecond = 1'000'000;

struct BreakerCase {
  BreakerSettings settings{.window = 30s,
                           .failures = 4,
                           .ratio = 50,
                           .volume = 8,
                           .open = 5s,
                           .max_open = 60s,
                           .trials = 3,
                           .patience = 20s,
                           .grace = 10min};
  Breaker breaker;
  WallMicros now = kNow;

  CircuitState state() const { return breaker.circuit().state; }
  Admission admit() { return breaker.admit(settings, now); }
  void fail(uint64_t n) {
    for (uint64_t i = 0; i < n; ++i) breaker.failed(settings, now);
  }
  void succeed(uint64_t n) { breaker.succeeded(settings, now, n); }
  void seen(bool active) { breaker.seen(active, settings, now); }
  bool changed() {
    uint64_t from = 0;
    return breaker.take_change(from);
  }
  /// Opens it by failures.
  void open() {
    fail(static_cast<uint64_t>(settings.volume));
    REQUIRE(state() == CircuitState::kOpen);
  }
};

}  // namespace

TEST_CASE("it opens with enough failures, when they are a large enough part of enough outcomes") {
  BreakerCase at;
  CHECK(at.admit() == Admission::kPass);
  SECTION("too few outcomes") { at.fail(7); }
  SECTION("too small a part") { at.succeed(20), at.fail(9); }
  SECTION("too few failures") {
    at.settings.ratio = 1;
    at.succeed(100), at.fail(3);
  }
  CHECK(at.state() == CircuitState::kClosed);
  CHECK_FALSE(at.changed());
  at.settings.ratio = 15;
  at.fail(20);
  CHECK(at.state() == CircuitState::kOpen);
  CHECK(at.changed());
  CHECK_FALSE(at.changed());
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.breaker.describe() == "circuit open: failures");
}

TEST_CASE("failures count within the window only") {
  BreakerCase at;
  for (int i = 0; i < 200; ++i) {
    at.fail(1);
    at.now += 5 * kSecond;  // at most seven in thirty seconds
  }
  CHECK(at.state() == CircuitState::kClosed);
  at.fail(8);
  CHECK(at.state() == CircuitState::kOpen);
}

TEST_CASE("after its time so many trials pass, and close it when they all succeed") {
  BreakerCase at;
  at.open();
  CHECK(at.breaker.retry_after_ms(at.now) == 5000);
  at.now += 5 * kSecond - 1;
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.breaker.retry_after_ms(at.now) == 1);
  at.now += 1;
  at.changed();
  for (int i = 0; i < 3; ++i) CHECK(at.admit() == Admission::kTrial);
  CHECK(at.state() == CircuitState::kHalfOpen);
  CHECK(at.changed());
  CHECK(at.admit() == Admission::kRefuse);
  at.succeed(2);
  CHECK(at.state() == CircuitState::kHalfOpen);
  at.succeed(1);
  CHECK(at.state() == CircuitState::kClosed);
  CHECK(at.changed());
  CHECK(at.admit() == Admission::kPass);
  at.fail(7);  // what failed before it closed is forgotten
  CHECK(at.state() == CircuitState::kClosed);
}

TEST_CASE("a trial that fails opens it again, each time for twice as long, up to the cap") {
  BreakerCase at;
  at.open();
  for (int64_t seconds : {5, 10, 20, 40, 60, 60, 60}) {
    CHECK(at.breaker.circuit().until == at.now + seconds * kSecond);
    at.now += seconds * kSecond;
    CHECK(at.admit() == Admission::kTrial);
    at.fail(1);
    CHECK(at.state() == CircuitState::kOpen);
  }
}

TEST_CASE("how often it opened is forgotten once it stayed closed") {
  BreakerCase at;
  at.open();
  auto close = [&] {
    at.now = at.breaker.circuit().until;
    for (int i = 0; i < 3; ++i) CHECK(at.admit() == Admission::kTrial);
    at.succeed(3);
    CHECK(at.state() == CircuitState::kClosed);
  };
  close();
  at.now += 30 * kSecond;
  at.open();
  CHECK(at.breaker.circuit().opens == 2);
  close();
  at.now += 60 * kSecond;
  at.open();
  CHECK(at.breaker.circuit().opens == 1);
}

TEST_CASE("trials that nothing is heard of open it again") {
  BreakerCase at;
  at.open();
  at.now += 5 * kSecond;
  for (int i = 0; i < 3; ++i) CHECK(at.admit() == Admission::kTrial);
  at.now += 20 * kSecond - 1;
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.state() == CircuitState::kHalfOpen);
  at.now += 1;
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.state() == CircuitState::kOpen);
  CHECK(at.breaker.circuit().opens == 2);
}

TEST_CASE("what was let through before it opened says nothing about it") {
  BreakerCase at;
  at.open();
  at.changed();
  at.succeed(100);
  at.fail(100);
  CHECK(at.state() == CircuitState::kOpen);
  CHECK(at.breaker.circuit().opens == 1);
  CHECK_FALSE(at.changed());
}

TEST_CASE("an agent that is not active is waited for until its grace time, and closes when it is back") {
  BreakerCase at;
  at.seen(false);
  at.now += 600 * kSecond - 1;
  at.seen(false);
  CHECK(at.admit() == Admission::kPass);  // queued for it
  at.now += 1;
  at.seen(false);
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.breaker.describe() == "circuit open: inactive");
  CHECK(at.breaker.circuit().opens == 0);
  at.now += 24 * 3600 * kSecond;
  at.seen(false);
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.breaker.retry_after_ms(at.now) == 0);
  at.seen(true);
  CHECK(at.admit() == Admission::kPass);
  // It goes again: the grace time begins anew.
  at.seen(false);
  CHECK(at.admit() == Admission::kPass);

  BreakerCase patient;
  patient.settings.grace = 0s;
  patient.seen(false);
  patient.now += 1'000'000 * kSecond;
  patient.seen(false);
  CHECK(patient.admit() == Admission::kPass);
}

TEST_CASE("an active agent does not close what failures opened") {
  BreakerCase at;
  at.open();
  at.seen(true);
  CHECK(at.admit() == Admission::kRefuse);
  // An agent that is gone past its grace time is not tried any more.
  at.now += 1;
  at.seen(false);
  at.now += 600 * kSecond;
  at.seen(false);
  CHECK(at.breaker.describe() == "circuit open: inactive");
  CHECK(at.admit() == Admission::kRefuse);
}

TEST_CASE("an operator opens it until it is reset") {
  BreakerCase at;
  at.breaker.force_open(at.now);
  CHECK(at.changed());
  at.now += 100'000 * kSecond;
  at.succeed(100);
  at.seen(true);
  CHECK(at.admit() == Admission::kRefuse);
  CHECK(at.breaker.describe() == "circuit open: operator");
  at.breaker.force_open(at.now);
  CHECK_FALSE(at.changed());
  at.breaker.reset(at.now);
  CHECK(at.changed());
  CHECK(at.admit() == Admission::kPass);
  CHECK(at.breaker.circuit().opens == 0);
}

TEST_CASE("every change counts the generation up once, and says what it was made from") {
  BreakerCase at;
  at.open();
  uint64_t from = 99;
  REQUIRE(at.breaker.take_change(from));
  CHECK(from == 0);
  CHECK(at.breaker.circuit().generation == 1);
  at.now += 5 * kSecond;
  at.admit();
  at.fail(1);  // two moves before anybody wrote
  REQUIRE(at.breaker.take_change(from));
  CHECK(from == 1);
  CHECK(at.breaker.circuit().generation == 2);
}

TEST_CASE("what Redis holds counts, whatever was thought here") {
  BreakerCase at;
  at.open();
  Circuit other{CircuitState::kHalfOpen, 9, at.now, at.now + 20 * kSecond, 2, CircuitCause::kFailures};
  at.breaker.learn(other, at.settings);
  CHECK_FALSE(at.changed());
  for (int i = 0; i < 3; ++i) CHECK(at.admit() == Admission::kTrial);
  at.breaker.learn(other, at.settings);  // once more: its trials are not begun anew
  CHECK(at.admit() == Admission::kRefuse);
  at.fail(1);
  uint64_t from = 0;
  REQUIRE(at.breaker.take_change(from));
  CHECK(from == 9);
  CHECK(at.breaker.circuit().opens == 3);
  at.breaker.learn({}, at.settings);  // the hash is gone
  CHECK(at.admit() == Admission::kPass);
  at.open();
  REQUIRE(at.breaker.take_change(from));
  CHECK(from == 0);
}

TEST_CASE("gateways that share a circuit agree as soon as they have read it") {
  std::mt19937_64 random(7);
  BreakerSettings settings = BreakerCase().settings;
  for (int run = 0; run < 50; ++run) {
    std::vector<Breaker> gateways(4);
    Circuit redis;
    WallMicros now = kNow;
    for (int step = 0; step < 2000; ++step) {
      now += static_cast<WallMicros>(random() % kSecond);
      Breaker& one = gateways[random() % gateways.size()];
      switch (random() % 8) {
        case 0:
        case 1:
          one.failed(settings, now, 1 + random() % 4);
          break;
        case 2:
          one.succeeded(settings, now);
          break;
        case 3:
          one.seen(random() % 16 != 0, settings, now);
          break;
        case 4:
          one.learn(redis, settings);
          break;
        default:
          one.admit(settings, now);
      }
      uint64_t from = 0;
      if (!one.take_change(from)) continue;
      if (from == redis.generation) {
        REQUIRE(one.circuit().generation == redis.generation + 1);
        redis = one.circuit();
      } else {
        one.learn(redis, settings);  // it was not written; the invalidation of the other's is on its way
      }
    }
    for (Breaker& gateway : gateways) {
      gateway.learn(redis, settings);
      REQUIRE(gateway.circuit() == redis);
    }
  }
}

TEST_CASE("a clock that steps back neither keeps it open for ever nor counts twice") {
  BreakerCase at;
  at.open();
  at.now -= 3600 * kSecond;
  CHECK(at.admit() == Admission::kTrial);
  BreakerCase counting;
  counting.fail(7);
  counting.now -= 10 * kSecond;
  counting.fail(1);
  CHECK(counting.state() == CircuitState::kOpen);
}

TEST_CASE("extreme settings decide, too") {
  BreakerCase at;
  at.settings = {
      .window = 1ns, .failures = 0, .ratio = 0, .volume = 0, .open = 0s, .max_open = 0s, .trials = 0, .patience = 0s};
  at.fail(1);
  CHECK(at.state() == CircuitState::kOpen);
  CHECK(at.admit() == Admission::kTrial);  // an open time of nothing is over at once
}
