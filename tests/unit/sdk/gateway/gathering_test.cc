// How long few messages wait for more.
#include "sdk/src/gateway/gathering.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

constexpr MonoTime kNow{std::chrono::hours(1)};
constexpr Duration kMoment = std::chrono::milliseconds(1);

}  // namespace

TEST_CASE("messages wait until the time is over that began with the first of them") {
  Gathering gathering;
  CHECK_FALSE(gathering.next_time());
  CHECK(gathering.waits(kNow));
  const MonoTime end = kNow + Gathering::kLongest;
  CHECK(gathering.next_time() == end);
  CHECK(gathering.waits(end - kMoment));
  gathering.on_time(end - kMoment);
  CHECK(gathering.next_time() == end);
  CHECK_FALSE(gathering.waits(end));
}

TEST_CASE("what was due stays due until it went out, however many come meanwhile") {
  Gathering gathering;
  gathering.waits(kNow);
  const MonoTime end = kNow + Gathering::kLongest;
  gathering.on_time(end);
  CHECK_FALSE(gathering.next_time());
  CHECK_FALSE(gathering.waits(end + kMoment));
  gathering.stop();
  CHECK(gathering.waits(end + kMoment));
  CHECK(gathering.next_time() == end + kMoment + Gathering::kLongest);
}

TEST_CASE("nothing waits while that is not allowed, nor begins to") {
  Gathering gathering;
  gathering.allow(false);
  CHECK_FALSE(gathering.waits(kNow));
  CHECK_FALSE(gathering.next_time());
  gathering.allow(true);
  CHECK(gathering.waits(kNow));
}

TEST_CASE("time that passes while nothing waits makes nothing due") {
  Gathering gathering;
  gathering.on_time(kNow);
  CHECK(gathering.waits(kNow));
}
