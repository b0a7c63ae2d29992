// How much waits in a stream: by what was added and how long it is; and whose it is.
#include "daemons/gatewayd/facts/backlog.h"

#include "tests/unit/catch.h"

using namespace mas::gateway;

TEST_CASE("what was added is counted as it was, however the entries differ") {
  Backlog backlog;
  CHECK(backlog.records() == 0);
  for (int i = 0; i < 100; ++i) backlog.add(1000, 100'000);
  for (int i = 0; i < 1000; ++i) backlog.add(1, 100);  // a mean of the last ones would be 1
  CHECK(backlog.records() == 101'000);
  CHECK(backlog.bytes() == 10'100'000);
  CHECK(backlog.measured(1100) == 0);
  CHECK(backlog.records() == 101'000);
  CHECK(backlog.measured(1000) > 98'000);  // the large ones have left, and the parts are coarse by now
  CHECK(backlog.records() < 3'000);
  CHECK(backlog.measured(0) < 3'000);
  CHECK(backlog.records() == 0);
  CHECK(backlog.bytes() == 0);
}

TEST_CASE("the other way round: few large entries behind many small ones") {
  Backlog backlog;
  for (int i = 0; i < 10'000; ++i) backlog.add(1, 100);
  for (int i = 0; i < 290; ++i) backlog.add(1000, 100'000);
  CHECK(backlog.records() == 300'000);
  CHECK(backlog.entries() == 10'290);
  backlog.measured(290);
  CHECK(backlog.records() > 285'000);
  CHECK(backlog.records() <= 290'000);
}

TEST_CASE("entries of others, or from before, are reckoned by the mean of one's own") {
  Backlog backlog;
  CHECK(backlog.measured(100) == 0);
  CHECK(backlog.records() == 100);
  for (int i = 0; i < 1000; ++i) backlog.add(50, 5'000);
  CHECK(backlog.records() > 54'000);
  CHECK(backlog.records() <= 55'000);
  backlog.measured(1000);  // those from before are gone
  CHECK(backlog.records() == 50'000);
  backlog.measured(1100);  // another gateway added some
  CHECK(backlog.records() > 54'900);
  CHECK(backlog.measured(0) > 54'900);
  CHECK(backlog.records() == 0);
}

TEST_CASE("whatever happens, nothing is counted below zero or twice") {
  Backlog backlog;
  uint64_t length = 0, seed = 1;
  for (int i = 0; i < 20'000; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const uint64_t draw = seed >> 33;
    if (draw % 3 != 0) {
      backlog.add(draw % 100 + 1, draw % 10'000);
      ++length;
    } else {
      length = draw % 7 == 0 ? length + draw % 5 : length - std::min<uint64_t>(length, draw % 4);
      backlog.measured(length);
    }
    REQUIRE(backlog.records() <= 100 * (length + 10));
    REQUIRE(backlog.records() + 10 >= length / 2);
  }
  backlog.measured(0);
  CHECK(backlog.records() == 0);
  CHECK(backlog.bytes() == 0);
}

TEST_CASE("senders' parts shrink as the whole does") {
  Backlog backlog;
  CHECK(backlog.of_sender("alice").records == 0);
  backlog.count_senders();
  for (int i = 0; i < 100; ++i) {
    backlog.add(1, 10);
    backlog.add_sender(i % 4 == 0 ? "bob" : "alice", 10);
  }
  CHECK(backlog.of_sender("alice").records == 75);
  CHECK(backlog.of_sender("bob").bytes == 250);
  backlog.measured(50);
  CHECK(backlog.of_sender("alice").records <= 38);
  CHECK(backlog.of_sender("alice").records >= 36);
  backlog.measured(0);
  CHECK(backlog.of_sender("alice").records == 0);
  backlog.forget_senders();
  CHECK_FALSE(backlog.counts_senders());
}
