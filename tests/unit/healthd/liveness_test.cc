// The liveness engine over simulated time, in a simulated Redis whose scripts check before they write.
#include "daemons/healthd/liveness.h"

#include <algorithm>
#include <map>
#include <random>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::health;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct SimAgent {
  Sight::Status status = Sight::Status::kActive;
  MonoTime expiry = MonoTime::min();  // min: no heartbeat key
  bool no_expiry = false;
  WallMicros registered_at = 0;
};

// One Redis, one healthd, a clock that moves in ticks.
struct World {
  explicit World(LivenessOptions options = {}) : engine(options) {}

  Liveness engine;
  std::map<std::string, SimAgent> redis;
  MonoTime now = MonoTime(std::chrono::hours(100));
  std::vector<std::string> events;
  std::vector<Duration> lateness;
  size_t looks = 0;

  WallMicros wall() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  }
  bool beating(const SimAgent& agent) const { return agent.no_expiry || agent.expiry > now; }

  void enter(const std::string& id) { redis[id] = SimAgent{Sight::Status::kActive, MonoTime::min(), false, wall()}; }
  void beat(const std::string& id, Duration ttl) { redis[id].expiry = now + ttl; }
  void start(const std::string& id, Duration ttl) {
    enter(id);
    beat(id, ttl);
    engine.hint(id, Hint::kEvent, now);
  }
  bool inactive(const std::string& id) { return redis.at(id).status == Sight::Status::kInactive; }

  void look(AgentRef ref) {
    ++looks;
    std::string id = engine.id(ref);
    auto found = redis.find(id);
    Sight sight;
    if (found != redis.end()) {
      const SimAgent& agent = found->second;
      sight = Sight{true, agent.status, agent.registered_at, Sight::kNoHeartbeat, false};
      if (agent.no_expiry) sight.pttl_ms = Sight::kNoExpiry;
      if (!agent.no_expiry && beating(agent)) sight.pttl_ms = to_millis(agent.expiry - now);
    }
    StatusChange change = engine.observe(ref, sight, Now{now, wall()});
    if (change != StatusChange::kNone) write(ref, id, change);
  }

  void write(AgentRef ref, const std::string& id, StatusChange change) {
    SimAgent& agent = redis.at(id);
    bool up = change == StatusChange::kSetActive;
    bool applied = up ? agent.status == Sight::Status::kInactive && beating(agent)
                      : agent.status == Sight::Status::kActive && !beating(agent);
    if (applied) agent.status = up ? Sight::Status::kActive : Sight::Status::kInactive;
    auto written = engine.wrote(ref, change, applied, now);
    if (applied) events.push_back((up ? "up " : "down ") + id);
    if (written.flapping) events.push_back("flapping " + id);
    if (written.lateness) lateness.push_back(*written.lateness);
  }

  void tick(Duration step = milliseconds(50)) {
    now += step;
    std::vector<AgentRef> due;
    engine.take_due(now, 1000, due);
    for (AgentRef ref : due) look(ref);
  }
  void run(Duration time) {
    for (MonoTime end = now + time; now < end;) tick();
  }
};

LivenessOptions with_ttl(Duration ttl) {
  LivenessOptions options;
  options.default_ttl = ttl;
  return options;
}

}  // namespace

TEST_CASE("a dead agent turns INACTIVE within a second of its heartbeat's end, and ACTIVE again when it beats") {
  World w;
  w.start("a", seconds(60));
  w.run(seconds(30));
  w.beat("a", seconds(60));
  w.run(milliseconds(59'900));
  CHECK_FALSE(w.inactive("a"));
  w.run(seconds(1));
  CHECK(w.inactive("a"));
  REQUIRE(w.lateness.size() == 1);
  CHECK(w.lateness[0] <= milliseconds(150));
  CHECK(w.engine.count(AgentState::kInactive) == 1);

  w.beat("a", seconds(60));
  w.run(seconds(10));
  CHECK_FALSE(w.inactive("a"));
  CHECK(w.events == std::vector<std::string>{"down a", "up a"});
}

TEST_CASE("an agent that never beat has one default time-to-live from its registration") {
  World w(with_ttl(seconds(20)));
  w.enter("a");
  w.run(seconds(5));
  w.engine.learn("a", w.now);
  w.run(milliseconds(14'900));
  CHECK_FALSE(w.inactive("a"));
  w.run(seconds(1));
  CHECK(w.inactive("a"));
  CHECK(w.lateness.empty());
}

TEST_CASE("a registration with a wrong clock gets neither no grace nor an endless one") {
  World w(with_ttl(seconds(20)));
  w.enter("past");
  w.redis["past"].registered_at = 5;
  w.enter("future");
  w.redis["future"].registered_at = w.wall() * 1000;
  w.engine.learn("past", w.now);
  w.engine.learn("future", w.now);
  w.run(milliseconds(900));
  CHECK_FALSE(w.inactive("past"));
  w.run(milliseconds(300));
  CHECK(w.inactive("past"));
  w.run(seconds(20));
  CHECK(w.inactive("future"));
}

TEST_CASE("a restart between two looks is not taken for a death") {
  World w;
  w.start("a", seconds(2));
  w.run(milliseconds(1900));
  // It registers anew; its first heartbeat comes only later.
  w.enter("a");
  w.run(milliseconds(1500));
  w.beat("a", seconds(2));
  w.run(seconds(1));
  CHECK(w.events.empty());
  CHECK(w.engine.count(AgentState::kActive) == 1);
  w.run(milliseconds(1200));
  CHECK(w.inactive("a"));
}

TEST_CASE("a heartbeat without expiry lives; one whose life changes is followed") {
  World w(with_ttl(seconds(10)));
  w.start("a", seconds(100));
  w.redis["a"].no_expiry = true;
  w.run(seconds(60));
  CHECK(w.looks <= 8);
  CHECK(w.events.empty());
  w.redis["a"].no_expiry = false;
  w.beat("a", milliseconds(500));
  w.run(seconds(11));
  CHECK(w.inactive("a"));
}

TEST_CASE("entries that went are forgotten; hints about them cost one look") {
  World w;
  w.start("a", seconds(2));
  w.run(seconds(1));
  w.redis.erase("a");
  w.engine.hint("a", Hint::kEvent, w.now);
  w.run(milliseconds(200));
  CHECK(w.engine.agents() == 0);
  size_t before = w.looks;
  w.engine.hint("ghost", Hint::kEvent, w.now);
  w.engine.hint("ghost", Hint::kExpired, w.now);
  w.engine.hint("other", Hint::kExpired, w.now);
  w.run(seconds(5));
  CHECK(w.looks == before + 1);
  CHECK(w.engine.agents() == 0);
}

TEST_CASE("an agent that says goodbye before it deletes its entry is forgotten") {
  World w;
  w.start("a", seconds(60));
  w.run(seconds(1));
  w.engine.hint("a", Hint::kGone, w.now);
  w.run(milliseconds(300));
  CHECK(w.engine.agents() == 1);
  w.redis.erase("a");
  w.run(milliseconds(400));
  CHECK(w.engine.agents() == 0);
  w.engine.hint("never seen", Hint::kGone, w.now);
  CHECK(w.engine.agents() == 0);
}

TEST_CASE("a hint that comes during a look that finds nothing is not lost") {
  World w;
  w.engine.hint("a", Hint::kEvent, w.now);
  std::vector<AgentRef> due;
  w.now += milliseconds(50);
  w.engine.take_due(w.now, 10, due);
  REQUIRE(due.size() == 1);
  w.start("a", seconds(60));
  w.engine.observe(due[0], Sight{}, Now{w.now, w.wall()});
  w.run(milliseconds(200));
  CHECK(w.engine.count(AgentState::kActive) == 1);
}

TEST_CASE("an INACTIVE agent is looked at less and less, and at once on a hint") {
  World w;
  w.start("a", seconds(1));
  w.run(seconds(3));
  REQUIRE(w.inactive("a"));
  size_t before = w.looks;
  w.run(seconds(100));
  CHECK(w.looks - before <= 14);
  w.beat("a", seconds(60));
  w.engine.hint("a", Hint::kBeat, w.now);
  w.run(milliseconds(100));
  CHECK_FALSE(w.inactive("a"));
}

TEST_CASE("after Redis was away agents have one time-to-live to beat again") {
  World w;
  w.start("back", seconds(10));
  w.start("dead", seconds(10));
  w.run(seconds(3));
  w.now += seconds(30);  // Redis is away; every heartbeat expires
  w.engine.resume(w.now, w.now);
  w.run(seconds(5));
  CHECK(w.events.empty());
  CHECK(w.engine.count(AgentState::kWaiting) == 2);
  w.beat("back", seconds(60));
  w.run(milliseconds(4'900));
  CHECK(w.events.empty());
  w.run(seconds(2));
  CHECK(w.events == std::vector<std::string>{"down dead"});
}

TEST_CASE("after Redis was away, those who registered or beat since have no second grace") {
  World w(with_ttl(seconds(30)));
  w.engine.resume(w.now, w.now);
  w.run(seconds(1));
  w.start("a", seconds(2));
  w.run(milliseconds(3'100));
  CHECK(w.inactive("a"));
}

TEST_CASE("while nobody could beat nobody is declared dead, and each has one time-to-live from then") {
  World w;
  w.start("back", seconds(10));
  w.start("dead", seconds(10));
  w.run(seconds(3));
  for (int i = 0; i < 30; ++i) {  // Redis takes no writes
    w.engine.excuse(w.now);
    w.run(seconds(1));
  }
  CHECK(w.events.empty());
  w.beat("back", seconds(60));
  w.run(seconds(8));
  CHECK(w.events.empty());
  w.run(seconds(4));
  CHECK(w.events == std::vector<std::string>{"down dead"});
}

TEST_CASE("an agent that comes and goes is held INACTIVE until it is stable") {
  World w;
  w.start("a", seconds(1));
  for (int i = 0; i < 4; ++i) {
    w.run(seconds(3));
    w.beat("a", seconds(1));
    w.engine.hint("a", Hint::kBeat, w.now);
  }
  CHECK(std::count(w.events.begin(), w.events.end(), "flapping a") == 1);
  CHECK(w.inactive("a"));
  CHECK(w.engine.count(AgentState::kSuppressed) == 1);

  // It beats steadily from now on, and is released once, after the penalty has decayed.
  MonoTime from = w.now;
  while (w.inactive("a") && w.now < from + seconds(400)) {
    w.beat("a", seconds(60));
    w.run(seconds(1));
  }
  CHECK_FALSE(w.inactive("a"));
  CHECK(w.now - from > seconds(60));
  CHECK(w.now - from < seconds(300));
  CHECK(std::count(w.events.begin(), w.events.end(), "flapping a") == 1);
}

TEST_CASE("an agent that registers anew is believed although it was held") {
  World w;
  w.start("a", seconds(1));
  for (int i = 0; i < 4; ++i) {
    w.run(seconds(3));
    w.beat("a", seconds(1));
    w.engine.hint("a", Hint::kBeat, w.now);
  }
  REQUIRE(w.engine.count(AgentState::kSuppressed) == 1);
  w.start("a", seconds(60));
  w.run(seconds(1));
  CHECK_FALSE(w.inactive("a"));
  CHECK(w.engine.count(AgentState::kActive) == 1);
}

TEST_CASE("an answer that came late is not a proof the first time") {
  World w;
  w.start("a", seconds(2));
  w.run(seconds(1));
  w.now += milliseconds(1'500);
  std::vector<AgentRef> due;
  w.engine.take_due(w.now, 10, due);
  REQUIRE(due.size() == 1);
  Sight sight{true, Sight::Status::kActive, w.redis["a"].registered_at, Sight::kNoHeartbeat, true};
  CHECK(w.engine.observe(due[0], sight, Now{w.now, w.wall()}) == StatusChange::kNone);
  w.now += seconds(1);
  w.engine.take_due(w.now, 10, due);
  REQUIRE(due.size() == 2);
  CHECK(w.engine.observe(due[0], sight, Now{w.now, w.wall()}) == StatusChange::kSetInactive);
}

TEST_CASE("what is remembered is bounded") {
  LivenessOptions options;
  options.max_unknown = 3;
  options.max_agents = 4;
  World w(options);
  for (const char* id : {"a", "b", "c"}) {
    w.enter(id);
    CHECK(w.engine.learn(id, w.now));
  }
  CHECK_FALSE(w.engine.learn("d", w.now));
  CHECK_FALSE(w.engine.hint("d", Hint::kEvent, w.now));
  w.run(milliseconds(100));
  CHECK(w.engine.hint("d", Hint::kEvent, w.now));
  CHECK_FALSE(w.engine.learn("e", w.now));
}

TEST_CASE("a status of another program is left alone") {
  World w;
  w.start("a", seconds(1));
  w.redis["a"].status = Sight::Status::kOther;
  w.run(seconds(30));
  CHECK(w.events.empty());
}

TEST_CASE("a failed look is tried again") {
  World w;
  w.start("a", seconds(60));
  std::vector<AgentRef> due;
  w.now += milliseconds(50);
  w.engine.take_due(w.now, 10, due);
  REQUIRE(due.size() == 1);
  w.engine.look_failed(due[0], w.now);
  w.run(milliseconds(900));
  CHECK(w.looks == 0);
  w.run(milliseconds(200));
  CHECK(w.looks == 1);
  CHECK(w.engine.count(AgentState::kActive) == 1);
}

// Agents beat, pause, die, restart and go at random; whatever they do, an agent that beats all the time is never
// INACTIVE, and one that is dead is INACTIVE a second later.
TEST_CASE("random lives: never INACTIVE while beating, INACTIVE within a second of death") {
  std::mt19937 random(GENERATE(11u, 12u, 13u, 14u, 15u, 16u));
  LivenessOptions options = with_ttl(seconds(8));
  options.damping.suppress = 1e9;  // damping has its own tests
  World w(options);
  constexpr int kAgents = 60;
  struct Plan {
    Duration ttl;
    MonoTime next_beat;
    bool alive = false;
    MonoTime beating_since = MonoTime::min();
  };
  std::map<std::string, Plan> plans;
  for (int i = 0; i < kAgents; ++i) plans["agent" + std::to_string(i)].ttl = milliseconds(1000 + random() % 7000);

  for (int tick = 0; tick < 6000; ++tick) {
    for (auto& [id, plan] : plans) {
      if (plan.alive && w.now >= plan.next_beat) {
        if (w.redis.count(id) != 0 && !w.beating(w.redis[id])) plan.beating_since = w.now;
        w.beat(id, plan.ttl);
        plan.next_beat = w.now + plan.ttl / 2;
      }
      if (random() % 2000 == 0) {
        plan.alive = !plan.alive;
        if (plan.alive) {
          plan.ttl = milliseconds(1000 + random() % 7000);
          w.start(id, plan.ttl);
          plan.beating_since = w.now;
        }
      }
      if (random() % 8000 == 0) {
        w.redis.erase(id);
        plan.alive = false;
      }
    }
    w.tick();
    if (tick % 600 == 599)
      for (const auto& [id, agent] : w.redis) w.engine.learn(id, w.now);
    for (const auto& [id, agent] : w.redis) {
      const Plan& plan = plans[id];
      bool steady = w.beating(agent) && w.now - plan.beating_since > seconds(12);
      if (steady && agent.status == Sight::Status::kInactive) FAIL("INACTIVE while beating: " << id);
      bool dead = !w.beating(agent) && w.now - agent.expiry > seconds(1);
      if (dead && agent.status == Sight::Status::kActive) FAIL("ACTIVE though dead: " << id);
    }
  }
  CHECK(w.lateness.size() > 20);
  for (Duration late : w.lateness) CHECK(late <= seconds(1));
}

TEST_CASE("living agents cost a look per heartbeat's life") {
  World w;
  for (int i = 0; i < 1000; ++i) w.start("agent" + std::to_string(i), seconds(60));
  for (int second = 0; second < 600; ++second) {
    if (second % 30 == 0)
      for (auto& [id, agent] : w.redis) w.beat(id, seconds(60));
    w.run(seconds(1));
  }
  CHECK(w.events.empty());
  // 600 s with 30 to 60 s of life left at every look.
  CHECK(w.looks >= 10'000);
  CHECK(w.looks <= 22'000);
}
