// Flap damping: decay, thresholds, the bound on holding.
#include "daemons/healthd/damping.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::health;
using std::chrono::seconds;

TEST_CASE("a penalty halves with every half-life") {
  DampingOptions options;
  Penalty penalty;
  MonoTime t0(seconds(1000));
  CHECK(penalty.at(t0, options) == 0);
  penalty.add_flap(t0, options);
  CHECK(penalty.at(t0, options) == Approx(1000));
  CHECK(penalty.at(t0 + seconds(60), options) == Approx(500));
  CHECK(penalty.at(t0 + seconds(180), options) == Approx(125));
}

TEST_CASE("the reuse time is when the penalty is back at the lower threshold, at most the longest hold") {
  DampingOptions options;
  Penalty penalty;
  MonoTime t0(seconds(1000));
  CHECK(penalty.reuse_time(t0, options) == t0);
  for (int i = 0; i < 4; ++i) penalty.add_flap(t0, options);
  MonoTime reuse = penalty.reuse_time(t0, options);
  CHECK(std::chrono::duration<double>(reuse - t0).count() == Approx(120));
  CHECK(penalty.at(reuse, options) == Approx(options.reuse));
  for (int i = 0; i < 1000; ++i) penalty.add_flap(t0, options);
  CHECK(penalty.reuse_time(t0, options) - t0 <= options.max_hold + seconds(1));
}
