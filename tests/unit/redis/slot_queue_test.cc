// The runs of one slot that wait, and whose time is over.
#include "proto/redis/cluster/slot_queue.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

TEST_CASE("late runs are taken in the order of their calls, and nothing is looked at before the first is late") {
  const MonoTime start{};
  const auto at = [&](int millis) { return start + std::chrono::milliseconds(millis); };
  const MonoTime deadlines[] = {at(30), at(10), at(20), at(10)};
  int looks = 0;
  const auto deadline_of = [&](SlotQueue::RunId id) { return ++looks, deadlines[id]; };
  SlotQueue queue;
  for (SlotQueue::RunId id = 0; id < 4; ++id) queue.wait(id, id, deadlines[id]);
  CHECK(queue.take_late(at(9), deadline_of).empty());
  CHECK(looks == 0);
  CHECK(queue.take_late(at(10), deadline_of) == std::vector<SlotQueue::RunId>{1, 3});
  looks = 0;
  CHECK(queue.take_late(at(19), deadline_of).empty());
  CHECK(looks == 0);
  CHECK(queue.take_late(at(20), deadline_of) == std::vector<SlotQueue::RunId>{2});
  CHECK_FALSE(queue.idle());
  CHECK(queue.take_all() == std::vector<SlotQueue::RunId>{0});
  CHECK(queue.idle());
}
