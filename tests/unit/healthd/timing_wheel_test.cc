// The timing wheel against a map of due times.
#include "daemons/healthd/timing_wheel.h"

#include <map>
#include <random>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::health;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("the wheel gives what is due, each once, whatever is set, moved and removed") {
  std::mt19937 random(GENERATE(1u, 2u, 3u));
  TimingWheel wheel;
  std::map<uint32_t, MonoTime> model;
  MonoTime now(std::chrono::hours(7));
  for (int step = 0; step < 20'000; ++step) {
    uint32_t item = random() % 300;
    switch (random() % 4) {
      case 0:
      case 1: {
        // Up to three turns ahead, sometimes in the past.
        MonoTime due = now + milliseconds(static_cast<int>(random() % 300'000) - 1000);
        wheel.set(item, due);
        model[item] = due;
        break;
      }
      case 2:
        wheel.remove(item);
        model.erase(item);
        break;
      default:
        now += milliseconds(random() % 100 == 0 ? random() % 400'000 : random() % 200);
        std::vector<uint32_t> due;
        wheel.take_due(now, 100'000, due);
        for (uint32_t taken : due) {
          REQUIRE(model.count(taken) == 1);
          REQUIRE(model[taken] <= now);
          REQUIRE_FALSE(wheel.contains(taken));
          model.erase(taken);
        }
        for (const auto& [id, time] : model) REQUIRE(time > now - TimingWheel::kSlot);
    }
  }
}

TEST_CASE("what does not fit into one taking is due at the next") {
  TimingWheel wheel;
  MonoTime now(seconds(100));
  for (uint32_t i = 0; i < 10; ++i) wheel.set(i, now);
  std::vector<uint32_t> due;
  wheel.take_due(now, 4, due);
  CHECK(due.size() == 4);
  wheel.take_due(now, 100, due);
  CHECK(due.size() == 10);
  wheel.take_due(now + seconds(300), 100, due);
  CHECK(due.size() == 10);
}
