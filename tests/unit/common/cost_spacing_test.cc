// Work that rests as a multiple of what it cost.
#include "daemons/common/cost_spacing.h"

#include "tests/unit/catch.h"

using namespace mas;
using mas::common::CostSpacing;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("the first piece begins at once, the next after a multiple of its cost") {
  MonoTime now(std::chrono::hours(1));
  CostSpacing spacing(3);
  CHECK(spacing.wait(now) == Duration(0));
  spacing.begin(now);
  now += milliseconds(20);
  spacing.end(now);
  CHECK(spacing.wait(now) == milliseconds(60));
  CHECK(spacing.wait(now + milliseconds(59)) == milliseconds(1));
  CHECK(spacing.wait(now + milliseconds(60)) == Duration(0));
  CHECK(spacing.wait(now + seconds(9)) == Duration(0));
}

TEST_CASE("cheap work rests for the shortest time at least") {
  MonoTime now(std::chrono::hours(1));
  CostSpacing spacing(9, seconds(1));
  spacing.begin(now);
  spacing.end(now + milliseconds(1));
  CHECK(spacing.wait(now + milliseconds(1)) == seconds(1));
  spacing.begin(now);
  spacing.end(now + seconds(2));
  CHECK(spacing.wait(now + seconds(2)) == seconds(18));
}

TEST_CASE("dear work does not rest for ever") {
  MonoTime now(std::chrono::hours(1));
  CostSpacing spacing(3, Duration(0), seconds(30));
  spacing.begin(now);
  spacing.end(now + seconds(60));
  CHECK(spacing.wait(now + seconds(60)) == seconds(30));
}

TEST_CASE("however often it is asked for, it takes a fixed share of the time") {
  MonoTime now(std::chrono::hours(1)), end = now + seconds(100);
  Duration worked{};
  CostSpacing spacing(3);
  while (now < end) {
    now += std::max<Duration>(spacing.wait(now), milliseconds(1));
    spacing.begin(now);
    now += milliseconds(50);
    worked += milliseconds(50);
    spacing.end(now);
  }
  CHECK(worked <= seconds(26));
}
