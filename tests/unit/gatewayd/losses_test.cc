// What shows that Redis went back in time.
#include "daemons/gatewayd/turn/losses.h"

#include "tests/unit/catch.h"

using mas::gateway::Losses;

TEST_CASE("epochs and blocks that rise are no loss, whoever raised them") {
  Losses losses;
  losses.compare(3, Losses::kEpoch, 5);
  losses.compare(3, Losses::kBlock, 100);
  losses.committed(3, 104);
  losses.compare(3, Losses::kEpoch, 6);
  losses.compare(3, Losses::kBlock, 104);
  losses.compare(3, Losses::kEpoch, 9);
  losses.compare(3, Losses::kBlock, 2000);
  losses.compare(4, Losses::kEpoch, 1);
  CHECK(losses.take().empty());
}

TEST_CASE("the sender that was written last is looked for as long as it is remembered") {
  using namespace std::chrono_literals;
  const mas::MonoTime start{1h};
  Losses losses;
  CHECK(losses.sender(3, start, 600s).empty());
  losses.committed(3, "alice/1", 70, start);
  losses.committed(3, "bob/2", 9, start);
  CHECK(losses.sender(3, start + 599s, 600s) == "bob/2");
  CHECK(losses.sender(3, start + 600s, 600s).empty());
  losses.compare_sender(3, 9);
  CHECK(losses.sender(3, start, 600s).empty());
  losses.committed(3, "bob/2", 9, start);
  losses.compare_sender(3, 12);
  CHECK(losses.take().empty());

  losses.committed(3, "bob/2", 12, start);
  losses.compare_sender(3, 11);
  losses.committed(4, "eve/5", 2, start);
  losses.compare_sender(4, std::nullopt);
  CHECK(losses.take() ==
        "2 partitions went back in time: of partition 3 the sender's number was 12 and is 11 and others");
  losses.committed(3, "bob/2", 12, start);
  losses.forget_senders();
  CHECK(losses.sender(3, start, 600s).empty());
}

TEST_CASE("one that is lower than it was is a loss, told once") {
  Losses losses;
  for (unsigned p : {1u, 2u}) {
    losses.compare(p, Losses::kEpoch, 5);
    losses.compare(p, Losses::kBlock, 1);
    losses.committed(p, 8);
  }
  losses.compare(1, Losses::kEpoch, 5);
  losses.compare(1, Losses::kBlock, 1);
  losses.compare(2, Losses::kEpoch, 6);
  losses.compare(2, Losses::kBlock, 7);
  const std::string text = losses.take();
  CHECK(text.find("2 partitions") == 0);
  CHECK(text.find("of partition 1 the epoch was 5 and is 5, the next audit block was 8 and is 1") != std::string::npos);
  CHECK(losses.take().empty());
  losses.compare(2, Losses::kBlock, 7);
  CHECK(losses.take().empty());
}
