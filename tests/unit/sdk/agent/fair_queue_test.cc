// Lanes by weight: shares, bounds of every wait, work that is never held back, order within a lane.
#include "sdk/src/agent/fair_queue.h"

#include <array>
#include <cmath>
#include <deque>
#include <random>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

struct Item {
  Lane lane = Lane::kNormal;
  uint64_t number = 0;  // within its lane
  uint64_t ready = 0;   // dispatches before it was the first of its lane
};

/// A queue that remembers when each message came to stand first in its lane, and checks every dispatch.
class Watched {
 public:
  void push(Lane lane) {
    auto& waiting = waiting_[static_cast<size_t>(lane)];
    waiting.push_back(pushed_[static_cast<size_t>(lane)]++);
    if (waiting.size() == 1) first_since_[static_cast<size_t>(lane)] = dispatches_;
    queue_.push(lane, {lane, waiting.back(), 0});
  }
  Lane pop() {
    Lane expected = queue_.front().lane;
    Item item = queue_.pop();
    REQUIRE(item.lane == expected);
    auto at = static_cast<size_t>(item.lane);
    REQUIRE_FALSE(waiting_[at].empty());
    REQUIRE(item.number == waiting_[at].front());  // first in, first out
    waiting_[at].pop_front();
    uint64_t waited = dispatches_ - first_since_[at];
    longest_[at] = std::max(longest_[at], waited);
    first_since_[at] = ++dispatches_;
    ++served_[at];
    return item.lane;
  }
  bool empty() const { return queue_.empty(); }
  size_t waiting(Lane lane) const { return waiting_[static_cast<size_t>(lane)].size(); }
  uint64_t served(Lane lane) const { return served_[static_cast<size_t>(lane)]; }
  uint64_t longest(Lane lane) const { return longest_[static_cast<size_t>(lane)]; }

 private:
  FairQueue<Item> queue_;
  std::array<std::deque<uint64_t>, 5> waiting_;
  std::array<uint64_t, 5> pushed_{}, first_since_{}, longest_{}, served_{};
  uint64_t dispatches_ = 0;
};

}  // namespace

TEST_CASE("strides are inverse to weights, and the bounds are those of the head of the file") {
  for (Lane lane : kLanes)
    CHECK(kLaneWeights[static_cast<size_t>(lane)] * kLaneStrides[static_cast<size_t>(lane)] == 1050);
  CHECK(longest_wait(Lane::kCritical) == 4);
  CHECK(longest_wait(Lane::kHigh) == 6);
  CHECK(longest_wait(Lane::kNormal) == 8);
  CHECK(longest_wait(Lane::kLow) == 16);
  CHECK(longest_wait(Lane::kBulk) == 35);
}

TEST_CASE("with all lanes busy each gets its weight, exactly in every round of a hundred") {
  Watched queue;
  for (Lane lane : kLanes)
    for (int i = 0; i < 20'000; ++i) queue.push(lane);
  for (uint64_t round = 1; round <= 300; ++round) {
    for (int i = 0; i < 100; ++i) queue.pop();
    for (Lane lane : kLanes) {
      auto fair = static_cast<double>(round * kLaneWeights[static_cast<size_t>(lane)]);
      CHECK(std::abs(static_cast<double>(queue.served(lane)) - fair) <= 1);
    }
  }
  for (Lane lane : kLanes) CHECK(queue.longest(lane) <= longest_wait(lane));
}

TEST_CASE("what a lane leaves, the busy ones share by weight") {
  for (unsigned mask = 1; mask < 32; ++mask) {
    Watched queue;
    double weights = 0;
    for (Lane lane : kLanes) {
      if ((mask >> static_cast<unsigned>(lane) & 1) == 0) continue;
      weights += kLaneWeights[static_cast<size_t>(lane)];
      for (int i = 0; i < 10'000; ++i) queue.push(lane);
    }
    for (int i = 0; i < 5000; ++i) queue.pop();
    for (Lane lane : kLanes) {
      bool busy = (mask >> static_cast<unsigned>(lane) & 1) != 0;
      double fair = busy ? 5000 * kLaneWeights[static_cast<size_t>(lane)] / weights : 0;
      INFO("lanes " << mask << ", lane " << lane_name(lane));
      CHECK(std::abs(static_cast<double>(queue.served(lane)) - fair) <= 4);
    }
  }
}

TEST_CASE("no lane starves: whatever comes and goes, the first of a lane waits no longer than its bound") {
  std::mt19937_64 random(2026);
  for (int run = 0; run < 200; ++run) {
    Watched queue;
    // Each lane has its own habit: never, seldom, in bursts, always busy.
    std::array<unsigned, 5> habit{};
    for (auto& one : habit) one = static_cast<unsigned>(random() % 4);
    for (int step = 0; step < 3000; ++step) {
      for (Lane lane : kLanes) {
        unsigned how = habit[static_cast<size_t>(lane)];
        if (how == 1 && random() % 20 == 0) queue.push(lane);
        if (how == 2 && random() % 50 == 0)
          for (int i = 0; i < 30; ++i) queue.push(lane);
        if (how == 3 && queue.waiting(lane) < 2) queue.push(lane);
      }
      if (!queue.empty()) queue.pop();
    }
    for (Lane lane : kLanes) {
      INFO(lane_name(lane));
      REQUIRE(queue.longest(lane) <= longest_wait(lane));
    }
  }
}

TEST_CASE("a lane that was empty claims nothing for that time, and is served soon") {
  Watched queue;
  for (int i = 0; i < 50'000; ++i) queue.push(Lane::kBulk);
  for (int i = 0; i < 20'000; ++i) queue.pop();
  queue.push(Lane::kCritical);
  CHECK(queue.pop() == Lane::kCritical);
  for (int i = 0; i < 50'000; ++i) queue.push(Lane::kCritical);
  uint64_t before = queue.served(Lane::kBulk);
  for (int i = 0; i < 53 * 10; ++i) queue.pop();
  CHECK(queue.served(Lane::kBulk) - before >= 29);
  CHECK(queue.served(Lane::kBulk) - before <= 31);
}

TEST_CASE("one busy lane is a plain queue; the least urgent gives way") {
  FairQueue<int> queue;
  CHECK(queue.empty());
  for (int i = 0; i < 10; ++i) queue.push(Lane::kLow, i);
  CHECK_FALSE(queue.mixed());
  for (int i = 0; i < 5; ++i) CHECK(queue.pop() == i);
  queue.push(Lane::kHigh, 100);
  queue.push(Lane::kCritical, 200);
  CHECK(queue.mixed());
  CHECK(queue.size() == 7);
  CHECK(queue.pop_least() == 5);
  int fronts = 0;
  queue.each_front([&](int front) { fronts += front; });
  CHECK(fronts == 306);
  for (int i = 0; i < 4; ++i) CHECK(queue.pop_least() == 6 + i);
  CHECK(queue.pop_least() == 100);
  CHECK(queue.pop() == 200);
  CHECK(queue.empty());
}
