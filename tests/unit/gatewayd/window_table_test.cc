// The table of windows over simulated time: bounds, ageing, a full table, clocks that step.
#include "daemons/gatewayd/guard/window_table.h"

#include <deque>
#include <random>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

constexpr WallMicros kNow = 1'795'350'060'000'000;
constexpr WallMicros kMinute = 60'000'000;

WindowTable table_of(size_t slots = 1024) {
  WindowTable table;
  table.reset(slots, kMinute);
  return table;
}

/// @return how many of `n` at one moment are within the budget.
size_t pass(WindowTable& table, uint64_t key, uint32_t budget, WallMicros now, size_t n) {
  size_t passed = 0;
  for (size_t i = 0; i < n && table.allows(key, budget, now); ++i, ++passed) table.add(key, now);
  return passed;
}

}  // namespace

TEST_CASE("a budget is what passes in a window, and comes back as the window moves on") {
  WindowTable table = table_of();
  CHECK(pass(table, 7, 10, kNow, 100) == 10);
  CHECK(pass(table, 8, 10, kNow, 100) == 10);
  CHECK(pass(table, 7, 10, kNow + kMinute - 1, 100) == 0);
  CHECK(pass(table, 7, 10, kNow + kMinute, 100) == 0);  // the period's turn gives nothing away
  CHECK(pass(table, 7, 10, kNow + kMinute * 3 / 2, 100) == 5);
  CHECK(pass(table, 9, 10, kNow + kMinute * 5, 100) == 10);
  CHECK(pass(table, 7, 10, kNow + kMinute * 5, 100) == 10);
  CHECK(pass(table, 7, 0, kNow, 100) == 0);
  CHECK(pass(table, 99, 0, kNow, 100) == 0);
}

TEST_CASE("an even flow passes at the budget's pace, and no window has twice the budget") {
  std::mt19937_64 random(42);
  for (uint32_t budget : {1u, 7u, 60u, 500u}) {
    WindowTable table = table_of();
    std::deque<WallMicros> window;
    size_t passed = 0;
    WallMicros now = kNow;
    for (int i = 0; i < 60'000; ++i) {
      now += static_cast<WallMicros>(random() % 100'000);  // 20 a second: more than any of the budgets
      if (!table.allows(1, budget, now)) continue;
      table.add(1, now);
      ++passed;
      window.push_back(now);
      while (window.front() <= now - kMinute) window.pop_front();
      REQUIRE(window.size() < 2 * budget + 1);
    }
    double minutes = static_cast<double>(now - kNow) / kMinute;
    INFO(budget);
    CHECK(static_cast<double>(passed) > (budget == 1 ? 0.4 : 0.6) * budget * minutes);  // one message is no even flow
    CHECK(static_cast<double>(passed) < 1.05 * budget * (minutes + 1));
  }
}

TEST_CASE("a full table forgets what is used least and lets it pass; what runs high stays") {
  WindowTable table = table_of(64);
  CHECK(table.slots() == 64);
  for (uint64_t heavy = 0; heavy < 8; ++heavy) CHECK(pass(table, heavy, 100, kNow, 200) == 100);
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    uint64_t key = random();
    CHECK(table.allows(key, 1, kNow));
    table.add(key, kNow);
  }
  for (uint64_t heavy = 0; heavy < 8; ++heavy) CHECK_FALSE(table.allows(heavy, 100, kNow));
}

TEST_CASE("what has aged gives way to what is new") {
  WindowTable table = table_of(8);
  for (uint64_t old = 0; old < 8; ++old) pass(table, old, 1000, kNow, 1000);
  WallMicros later = kNow + 10 * kMinute;
  for (uint64_t fresh = 100; fresh < 108; ++fresh) table.add(fresh, later);
  for (uint64_t fresh = 100; fresh < 108; ++fresh) CHECK_FALSE(table.allows(fresh, 1, later));
}

TEST_CASE("a clock that steps back gives nothing away, or begins anew") {
  WindowTable table = table_of();
  CHECK(pass(table, 7, 10, kNow, 100) == 10);
  CHECK(pass(table, 7, 10, kNow - kMinute / 2, 100) == 0);
  CHECK(pass(table, 7, 10, kNow, 100) == 0);
  CHECK(pass(table, 7, 10, kNow - 10 * kMinute, 100) == 10);
  CHECK(pass(table, 7, 10, -5, 100) == 10);
}

TEST_CASE("the largest counts and windows do not overflow") {
  WindowTable table;
  table.reset(0, WindowTable::kMaxWindow * 2);
  CHECK(table.slots() == 8);
  table.add(1, INT64_MAX);
  CHECK(table.allows(1, UINT32_MAX, INT64_MAX));
  CHECK_FALSE(table.allows(1, 1, INT64_MAX));
}
