// Which ids the active registryd looks at next.
#include "daemons/registryd/index_requests.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::registry;
using std::chrono::milliseconds;
using From = IndexRequests::From;
using Ids = std::vector<std::string>;

namespace {

constexpr size_t kMost = 2;  // ids of one look

struct Fixture {
  MonoTime now{std::chrono::hours(1)};
  IndexRequests requests;

  IndexRequests::Look next() { return requests.next(kMost, now); }
  void end_after(Duration took) {
    now += took;
    requests.ended(now);
  }
};

}  // namespace

TEST_CASE("ids of events are looked at in their order, each once, a bounded number at a time") {
  Fixture test;
  for (const char* id : {"a", "b", "a", "c"}) CHECK(test.requests.named(id));
  CHECK(test.requests.waiting() == 3);
  auto look = test.next();
  CHECK(look.from == From::kEvents);
  CHECK(look.ids == Ids{"a", "b"});
  test.end_after(Duration(0));
  CHECK(test.next().ids == Ids{"c"});
  test.end_after(Duration(0));
  CHECK(test.next().from == From::kNone);
  CHECK(test.next().rest == Duration(0));
}

TEST_CASE("looks that events ask for rest three times as long as the last one took") {
  Fixture test;
  for (const char* id : {"a", "b", "c"}) test.requests.named(id);
  CHECK(test.next().from == From::kEvents);
  test.end_after(milliseconds(20));
  CHECK(test.next().from == From::kNone);
  CHECK(test.next().rest == milliseconds(60));
  test.now += milliseconds(60);
  CHECK(test.next().ids == Ids{"c"});
}

TEST_CASE("the full pass goes on while events rest, and causes no rest itself") {
  Fixture test;
  for (const char* id : {"a", "b", "c"}) test.requests.named(id);
  test.next();
  test.end_after(milliseconds(20));
  test.requests.walk({"x", "y", "z"});
  auto look = test.next();
  CHECK(look.from == From::kWalk);
  CHECK(look.ids == Ids{"x", "y", "z"});
  test.end_after(milliseconds(500));
  CHECK(test.next().from == From::kEvents);
}

TEST_CASE("events and the full pass take turns") {
  Fixture test;
  for (const char* id : {"a", "b", "c", "d"}) test.requests.named(id);
  std::vector<From> turns;
  for (int i = 0; i < 4; ++i) {
    test.requests.walk({"x"});
    turns.push_back(test.next().from);
    test.end_after(Duration(0));
  }
  CHECK(turns == std::vector<From>{From::kWalk, From::kEvents, From::kWalk, From::kEvents});
}

TEST_CASE("no more ids wait than the bound allows; one that waits already is no further one") {
  Fixture test;
  for (size_t i = 0; i < IndexRequests::kMaxPending; ++i) REQUIRE(test.requests.named(std::to_string(i)));
  CHECK_FALSE(test.requests.named("one more"));
  CHECK(test.requests.named("7"));
}

TEST_CASE("ids that stopped wait apart, until they are taken") {
  Fixture test;
  CHECK(test.requests.stopped("a"));
  CHECK(test.requests.stopped("a"));
  CHECK(test.next().from == From::kNone);
  CHECK(test.requests.take_stopped() == Ids{"a"});
  CHECK(test.requests.take_stopped().empty());
}
