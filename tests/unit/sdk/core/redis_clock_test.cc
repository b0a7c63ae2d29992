// Redis's time by measurement.
#include "sdk/src/core/redis_clock.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;
using namespace std::chrono_literals;

namespace {
constexpr WallMicros kNow = 1'795'350'000'000'000;
constexpr WallMicros kSecond = 1'000'000;
}  // namespace

TEST_CASE("a clock that is right is left alone, however long the round trip") {
  RedisClock clock;
  CHECK(clock.of(kNow) == kNow);
  clock.measured(kNow - 100, kNow, 200us);
  clock.measured(kNow - 2 * kSecond, kNow, 2s);
  clock.measured(kNow, kNow, 2s);
  CHECK(clock.of(kNow) == kNow);
  CHECK(clock.ahead() == 0);
}

TEST_CASE("a clock that is wrong is corrected by what was measured, to within the round trip") {
  RedisClock clock;
  clock.measured(kNow + 601 * kSecond, kNow, 10ms);
  CHECK(clock.of(kNow) == kNow + 601 * kSecond + 5000);
  CHECK(describe_ahead(clock.ahead()) == "this host's clock is 601 s behind Redis's");
  clock.measured(kNow + 601 * kSecond, kNow, 0s);  // a better answer
  CHECK(clock.of(kNow) == kNow + 601 * kSecond);
  clock.measured(kNow + 600 * kSecond, kNow, 3s);  // one that says nothing else
  CHECK(clock.of(kNow) == kNow + 601 * kSecond);
}

TEST_CASE("a clock that was set is noticed, in both directions") {
  RedisClock clock;
  clock.measured(kNow - 30 * kSecond, kNow, 1ms);
  CHECK(describe_ahead(clock.ahead()) == "this host's clock is 30 s ahead of Redis's");
  clock.measured(kNow, kNow, 0s);
  CHECK(clock.of(kNow) == kNow);
}
