// When Redis's clock was set forward, and when an answer was only slow.
#include "daemons/healthd/clock_step.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::health;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr WallMicros kSecond = 1'000'000;
constexpr WallMicros kTheirs = 1'800'000'000 * kSecond;
const MonoTime kStart(seconds(1000));

}  // namespace

TEST_CASE("a clock that goes on as ours does was not set") {
  ClockStep clock;
  for (int i = 0; i < 100; ++i)
    CHECK_FALSE(clock.answered(kTheirs + i * kSecond, kStart + seconds(i), kStart + seconds(i) + milliseconds(1)));
}

TEST_CASE("a step forward is seen once; then the new time is the time") {
  ClockStep clock;
  clock.answered(kTheirs, kStart, kStart + milliseconds(1));
  CHECK(clock.answered(kTheirs + 62 * kSecond, kStart + seconds(2), kStart + seconds(2) + milliseconds(1)));
  CHECK_FALSE(clock.answered(kTheirs + 63 * kSecond, kStart + seconds(3), kStart + seconds(3) + milliseconds(1)));
}

TEST_CASE("a step back is none, and the way back from it is one") {
  ClockStep clock;
  clock.answered(kTheirs, kStart, kStart);
  CHECK_FALSE(clock.answered(kTheirs - 3600 * kSecond, kStart + seconds(1), kStart + seconds(1)));
  CHECK(clock.answered(kTheirs + 2 * kSecond, kStart + seconds(2), kStart + seconds(2)));
}

TEST_CASE("an answer that was slow, at either end of the way, is no step") {
  ClockStep clock;
  // Redis read its clock as soon as it was asked, and 10 s later as late as it could.
  clock.answered(kTheirs, kStart, kStart + seconds(5));
  CHECK_FALSE(clock.answered(kTheirs + 15 * kSecond, kStart + seconds(10), kStart + seconds(15)));
  // Redis read its clock at the end of the way, then at its beginning.
  ClockStep other;
  other.answered(kTheirs + 5 * kSecond, kStart, kStart + seconds(5));
  CHECK_FALSE(other.answered(kTheirs + 10 * kSecond, kStart + seconds(10), kStart + seconds(15)));
}

TEST_CASE("a small step is none") {
  ClockStep clock;
  clock.answered(kTheirs, kStart, kStart);
  CHECK_FALSE(clock.answered(kTheirs + kSecond + 999'000, kStart + seconds(1), kStart + seconds(1)));
  CHECK(clock.answered(kTheirs + 3 * kSecond + 999'000, kStart + seconds(2), kStart + seconds(2)));
}
