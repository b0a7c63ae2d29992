// The belief in a lease: when it begins, when it ends.
#include "daemons/common/lease.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;
using namespace std::chrono_literals;

TEST_CASE("a lease is believed from its confirmation until a margin before Redis lets it go") {
  LeaseClock clock(10s);
  MonoTime t = MonoTime{} + 100s;
  CHECK_FALSE(clock.held(t));
  clock.confirmed(t);
  CHECK(clock.held(t));
  CHECK(clock.held(t + 9s - 1ns));
  CHECK_FALSE(clock.held(t + 9s));
  CHECK(clock.margin() == 1s);
}

TEST_CASE("a renewal counts from when it was sent; a loss ends the belief at once") {
  LeaseClock clock(9s);
  MonoTime t = MonoTime{} + 100s;
  clock.confirmed(t);
  clock.confirmed(t + 3s);
  CHECK(clock.held(t + 11s));
  CHECK_FALSE(clock.held(t + 3s + 9s));
  clock.lost();
  CHECK_FALSE(clock.held(t));
  CHECK(clock.until() == MonoTime::min());
}

TEST_CASE("two renewals may fail before the belief ends") {
  for (Duration ttl : {Duration(300ms), Duration(5s), Duration(1min)}) {
    LeaseClock clock(ttl);
    CHECK(2 * clock.period() < ttl - clock.margin());
  }
}
