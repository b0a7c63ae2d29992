// One process is active and the others stand by, on a real Redis. Leases are so long that only what is told at once can
// change a role within a test's time.
#include "daemons/common/active_role.h"

#include "tests/lib/bare_frame.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;
using namespace mas::test;

namespace {

constexpr Duration kLongLease = 60s;  // a third of it is longer than a test waits

/// A process with the role of "testd", and what its service was told.
struct Process final : ActiveRoleListener {
  Process(LoopFixture& loop, const RedisServer& server, char name, Duration ttl = kLongLease)
      : frame(loop.loop(), server.url(), std::string(32, name)), role(frame, "testd", ttl, *this) {
    role.start();
    REQUIRE(loop.run_until([&] { return frame.redis_up() && heard == 1; }));
    role.on_redis_up();
  }
  void on_role_changed() override { told.emplace_back(role.may_act(), role.active()); }
  void on_event(const Event& event) override { events.push_back(event.type); }
  void on_malformed_event() override { ++malformed; }
  void on_events_heard() override { ++heard; }
  void on_events_lost() override { ++deaf; }
  void on_writes_refused(const Error&) override { ++refused; }
  void on_writes_accepted() override { ++accepted; }

  int malformed = 0, heard = 0, deaf = 0, refused = 0, accepted = 0;
  std::vector<std::pair<bool, bool>> told;  // at each change: may it act, is it active
  std::vector<EventType> events;
  BareFrame frame;
  ActiveRole role;
};

std::string ask(LoopFixture& loop, Process& process, const redis::Command& command) {
  Receiver receiver;
  REQUIRE(process.frame.redis().send(command, receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return !receiver.answers.empty(); }));
  return receiver.answers[0];
}

}  // namespace

TEST_CASE("one process is active; when it leaves and says so, another takes over at once") {
  RedisServer server;
  LoopFixture loop;
  {
    Process first(loop, server, 'a');
    REQUIRE(loop.run_until([&] { return first.role.active(); }));
    CHECK(first.role.may_act());
    CHECK(first.frame.beats == 1);
    Process second(loop, server, 'b');
    CHECK(ask(loop, second, redis::Command("GET", second.frame.keys().lease("testd"))) == std::string(32, 'a'));
    CHECK_FALSE(second.role.active());
    CHECK(second.told.empty());

    first.role.leave();
    CHECK_FALSE(first.role.may_act());
    // It was told before the lease was given up, and after.
    CHECK(first.told == std::vector<std::pair<bool, bool>>{{true, true}, {false, true}, {false, false}});
    CHECK(first.frame.beats == 2);
    REQUIRE(loop.run_until([&] { return first.frame.drains == 1; }));
    CHECK_FALSE(second.role.active());
    ask(loop, second,
        redis::Command("PUBLISH", second.role.channel(),
                       daemon_event(EventType::kDaemonDown, "otherd", std::string(32, 'c'), 0)));
    ask(loop, second,
        redis::Command("PUBLISH", second.role.channel(),
                       daemon_event(EventType::kDaemonDown, "testd", std::string(32, 'a'), 0)));
    CHECK(loop.run_until([&] { return second.role.active(); }));
    CHECK(second.events.size() == 2);
    CHECK(first.frame.drains == 1);
  }
}

TEST_CASE("a process that finds its lease under another name stands by") {
  RedisServer server;
  LoopFixture loop;
  {
    Process process(loop, server, 'a');
    REQUIRE(loop.run_until([&] { return process.role.active(); }));
    ask(loop, process, redis::Command("SET", process.frame.keys().lease("testd"), std::string(32, 'b')));
    CHECK(process.role.active());  // it has not asked yet
    process.role.on_redis_up();    // asks
    CHECK(loop.run_until([&] { return !process.role.active(); }));
    CHECK(process.told.back() == std::pair(false, false));
    CHECK(process.frame.beats == 2);
  }
}

TEST_CASE("a process that does not work by the system's protocol does not even stand by") {
  RedisServer server;
  LoopFixture loop;
  {
    Process process(loop, server, 'a');
    REQUIRE(loop.run_until([&] { return process.role.active(); }));
    CHECK(process.role.obstacle().empty());
    ask(loop, process, redis::Command("HSET", process.frame.keys().config(), "protocol", "7"));
    REQUIRE(loop.run_until([&] { return !process.role.obstacle().empty(); }));
    CHECK(process.role.obstacle().starts_with("mas.config has protocol '7', this testd speaks 1"));
    CHECK_FALSE(process.role.may_act());
    CHECK(ask(loop, process, redis::Command("EXISTS", process.frame.keys().lease("testd"))) == "0");
    ask(loop, process, redis::Command("HSET", process.frame.keys().config(), "protocol", "1"));
    CHECK(loop.run_until([&] { return process.role.active(); }));
    CHECK(process.role.obstacle().empty());
  }
}

TEST_CASE("an active process whose Redis is gone may not act, and hears nothing") {
  RedisServer server;
  LoopFixture loop;
  {
    Process process(loop, server, 'a');
    REQUIRE(loop.run_until([&] { return process.role.active(); }));
    server.stop();
    REQUIRE(loop.run_until([&] { return process.deaf > 0 && !process.frame.redis_up(); }));
    CHECK_FALSE(process.role.may_act());
    CHECK_FALSE(process.role.hears_events());
    CHECK(process.role.active());  // the lease is believed until its own clock ends it
    server.start();
    CHECK(loop.run_until([&] { return process.heard == 2 && process.frame.redis_up(); }));
    CHECK(process.role.hears_events());
  }
}

TEST_CASE("a Redis that refuses all writes is reported, and so is the first write that it takes") {
  RedisServer server;
  LoopFixture loop;
  {
    Process process(loop, server, 'a');
    REQUIRE(loop.run_until([&] { return process.role.active(); }));
    ask(loop, process, redis::Command("CONFIG", "SET", "min-replicas-to-write", "1"));
    process.role.on_redis_up();
    REQUIRE(loop.run_until([&] { return process.refused == 1; }));
    CHECK(process.role.active());
    CHECK(process.accepted == 0);
    ask(loop, process, redis::Command("CONFIG", "SET", "min-replicas-to-write", "0"));
    process.role.on_redis_up();
    CHECK(loop.run_until([&] { return process.accepted == 1; }));
    CHECK(process.refused == 1);
  }
}

TEST_CASE("what is no event is counted apart") {
  RedisServer server;
  LoopFixture loop;
  {
    Process process(loop, server, 'a');
    ask(loop, process, redis::Command("PUBLISH", process.role.channel(), "{"));
    CHECK(loop.run_until([&] { return process.malformed == 1; }));
    CHECK(process.events.empty());
  }
}
