// When a partition has something to do though nothing comes.
#include "daemons/gatewayd/turn/partition_table.h"

#include "tests/unit/gatewayd/turn/turn_fixture.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::gateway::test;

TEST_CASE("the first retry or summary of a decided partition is due next") {
  TurnFixture test;
  PartitionTable& table = test.parts.partitions;
  test.fence_all();
  CHECK(table.next_due(true) == Partition::kNoRetry);

  test.partition(0).next_retry = 500;
  test.partition(1).next_retry = 300;
  CHECK(table.next_due(true) == 300);
  test.partition(0).next_summary = 200;
  CHECK(table.next_due(true) == 200);
  CHECK(table.next_due(false) == 300);
}

TEST_CASE("what is due in a partition that is not decided here is not counted") {
  TurnFixture test;
  PartitionTable& table = test.parts.partitions;
  test.fence_all();
  test.partition(0).next_retry = 300;
  test.partition(0).next_summary = 200;
  test.partition(0).epoch.clear();
  CHECK(table.next_due(true) == Partition::kNoRetry);
  CHECK_FALSE(table.summary_due(1'000'000'000));
}

TEST_CASE("a summary is due from its time on") {
  TurnFixture test;
  PartitionTable& table = test.parts.partitions;
  test.fence_all();
  CHECK_FALSE(table.summary_due(1'000'000'000));
  test.partition(1).next_summary = 1'000'000'000;
  CHECK_FALSE(table.summary_due(999'999'999));
  CHECK(table.summary_due(1'000'000'000));
}
