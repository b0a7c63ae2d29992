// What primaries say of their slots, and whether a walk over them has seen every key.
#include "proto/redis/cluster/walk_check.h"

#include "tests/unit/catch.h"

using namespace mas::redis;

namespace {

const Node kA{"a", 1}, kB{"b", 2};
using Next = WalkCheck::Next;

SlotOwners owners(const std::string& of_a, const std::string& of_b) { return {{kA, kB}, {of_a, of_b}}; }

}  // namespace

TEST_CASE("a node's own slots are what stands behind its own line") {
  CHECK(own_slots("x 1 master - 0 0 1 connected 5-9\ny 2 myself,master - 0 0 2 connected 0-4 10\n") == "0-4 10");
  CHECK(own_slots("y 2 myself,slave x 0 0 2 connected\n").empty());
  for (const char* odd : {"", "\n\n", "myself", "myself,master - 0", "x 1 master - 0 0 1 connected 5-9"})
    CHECK(own_slots(odd).empty());
}

TEST_CASE("slots are steady where every one is served once and none is being moved") {
  CHECK(owners("0-99", "100-16383").steady());
  CHECK(owners("0-99 16383", "100 101-16382").steady());
  CHECK_FALSE(owners("0-50", "100-16383").steady());  // the rest is at a node that the client does not know
  CHECK_FALSE(owners("0-100", "100-16383").steady());
  CHECK_FALSE(owners("0-99", "100-16383 [100->-0123456789abcdef]").steady());
  CHECK_FALSE(owners("0-99 [100-<-0123456789abcdef]", "100-16383").steady());
  CHECK_FALSE(owners("0-16383", "").steady());
  CHECK_FALSE(SlotOwners().steady());
  for (const char* odd : {" ", "-", "99-", "x-99", "0-x", "99-0", "0-16384", "-1", "0--99"}) {
    CAPTURE(odd);
    CHECK_FALSE(owners(odd, "100-16383").steady());
  }
}

TEST_CASE("a walk is done when its slots stayed where they were") {
  WalkCheck check;
  CHECK_FALSE(check.walked());
  CHECK(check.next(owners("0-99", "100-16383")) == Next::kWalk);
  CHECK(check.walked());
  CHECK(check.next(owners("0-99", "100-16383")) == Next::kDone);
}

TEST_CASE("a walk begins again where slots or primaries changed meanwhile, and gives up in the end") {
  WalkCheck check;
  CHECK(check.next(owners("0-99", "100-16383")) == Next::kWalk);
  CHECK(check.next(owners("0-100", "101-16383")) == Next::kWalk);
  CHECK(check.next({{kB, kA}, {"0-100", "101-16383"}}) == Next::kWalk);
  CHECK(check.next({{kB}, {"0-16383"}}) == Next::kGiveUp);
  CHECK(check.next(owners("0-99", "100-16383")) == Next::kGiveUp);
  CHECK_FALSE(WalkCheck::moving().message.empty());
}

TEST_CASE("slots that are being moved all the time are never a finished walk") {
  WalkCheck check;
  const SlotOwners moving = owners("0-99", "100-16383 [100->-0123456789abcdef]");
  for (unsigned i = 0; i < WalkCheck::kMaxWalks; ++i) CHECK(check.next(moving) == Next::kWalk);
  CHECK(check.next(moving) == Next::kGiveUp);
}
