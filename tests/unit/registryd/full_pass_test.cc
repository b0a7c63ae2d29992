// When the next full pass begins, and what one says of the registry.
#include "daemons/registryd/full_pass.h"

#include "tests/unit/catch.h"

using namespace mas;
using mas::registry::FullPass;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration kInterval = seconds(60);

struct Fixture {
  MonoTime now{std::chrono::hours(1)};
  FullPass pass{kInterval};

  /// A pass that took so long. @return the rest after it.
  Duration pass_of(Duration took) {
    pass.begin(now);
    return end_after(took);
  }
  Duration end_after(Duration took) {
    now += took;
    CHECK(pass.end(now) == took);
    return pass.plan(pass.rest(now), now);
  }
};

}  // namespace

TEST_CASE("without a flood a pass comes every interval, however long it takes") {
  Fixture test;
  CHECK_FALSE(test.pass.built());
  CHECK(test.pass_of(seconds(30)) == kInterval);
  CHECK(test.pass.built());
  test.pass.set_interval(seconds(5));
  CHECK(test.pass_of(seconds(30)) == seconds(5));
}

TEST_CASE("events that were dropped during a pass bring the next one, after nine times its length") {
  Fixture test;
  test.pass.begin(test.now);
  CHECK(test.pass.flooded());
  CHECK_FALSE(test.pass.flooded());
  CHECK(test.end_after(seconds(2)) == seconds(18));
  CHECK(test.pass_of(seconds(2)) == kInterval);  // none was dropped during this one
}

TEST_CASE("a flood never makes a pass come later than without") {
  Fixture test;
  test.pass.begin(test.now);
  test.pass.flooded();
  CHECK(test.end_after(seconds(20)) == kInterval);
}

TEST_CASE("a flood between passes brings the next one forward, but not at once") {
  Fixture test;
  test.pass_of(seconds(2));
  test.now += seconds(3);
  CHECK(test.pass.flooded());
  CHECK(test.pass.sooner(test.now) == seconds(15));
  test.pass.plan(seconds(15), test.now);
  CHECK(test.pass.sooner(test.now) == std::nullopt);
}

TEST_CASE("a short pass rests a second at least before a flood brings another") {
  Fixture test;
  test.pass.begin(test.now);
  test.pass.flooded();
  CHECK(test.end_after(milliseconds(1)) == seconds(1));
}

TEST_CASE("each pass counts anew what it meets") {
  Fixture test;
  test.pass.begin(test.now);
  test.pass.met_invalid();
  CHECK(test.pass.met_overfull());
  CHECK_FALSE(test.pass.met_overfull());
  CHECK(test.pass.invalid() == 1);
  CHECK(test.pass.overfull());
  test.end_after(seconds(1));
  CHECK(test.pass.overfull());
  test.pass.begin(test.now);
  CHECK(test.pass.invalid() == 0);
  CHECK_FALSE(test.pass.overfull());
}
