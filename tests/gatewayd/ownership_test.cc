// Which partitions are whose, on a real Redis: shares, refusals, the end.
#include "daemons/gatewayd/ownership/ownership.h"

#include <algorithm>

#include "tests/lib/bare_frame.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::test;

namespace {

/// A gateway that is alive to others, and does nothing but own partitions.
struct Gateway final : OwnershipListener {
  Gateway(LoopFixture& its_loop, const RedisServer& server, char name)
      : loop(its_loop),
        frame(loop.loop(), server.url(), std::string(32, name)),
        ownership(frame, std::chrono::seconds(2), *this) {
    REQUIRE(loop.run_until([&] { return frame.redis_up(); }));
    const std::string instance(32, name);
    ask(redis::Command("SADD", frame.keys().daemons(), "gatewayd:" + instance));
    ask(redis::Command("SET", frame.keys().daemon("gatewayd", instance), "{}"));
  }
  void on_partitions(size_t count) override { partitions = count; }
  void on_ownership_changed() override { ++changes; }

  std::string ask(const redis::Command& command) {
    Receiver receiver;
    REQUIRE(frame.redis().send(command, receiver.to()).ok());
    REQUIRE(loop.run_until([&] { return !receiver.answers.empty(); }));
    return receiver.answers[0];
  }
  size_t owned() const {
    const auto mine = ownership.owned();
    return static_cast<size_t>(std::count(mine.begin(), mine.end(), true));
  }

  LoopFixture& loop;
  size_t partitions = 0;
  int changes = 0;
  BareFrame frame;
  Ownership ownership;
};

}  // namespace

TEST_CASE("a gateway takes all partitions, and gives half of them to a second one") {
  RedisServer server;
  LoopFixture loop;
  {
    Gateway first(loop, server, 'a');
    CHECK(first.ownership.obstacle() == "mas.config has not been read yet");
    CHECK_FALSE(first.ownership.leads());
    first.ownership.on_redis_up();
    REQUIRE(loop.run_until([&] { return first.owned() == 16; }));
    CHECK(first.partitions == 16);
    CHECK(first.changes == 16);
    CHECK(first.ownership.obstacle().empty());
    CHECK(first.ownership.leads());
    first.ownership.announce();
    first.ownership.announce();
    CHECK(first.frame.beats == 1);  // sixteen changes, told once

    Gateway second(loop, server, 'b');
    REQUIRE(loop.run_until([&] {
      first.ownership.survey();
      second.ownership.survey();
      return first.owned() == 8 && second.owned() == 8;
    }));
    const auto mine = first.ownership.owned(), its = second.ownership.owned();
    for (size_t p = 0; p < 16; ++p) CHECK(mine[p] != its[p]);
  }
}

TEST_CASE("another number of partitions ends what is owned, until it is the old one again") {
  RedisServer server;
  LoopFixture loop;
  {
    Gateway gateway(loop, server, 'a');
    gateway.ownership.on_redis_up();
    REQUIRE(loop.run_until([&] { return gateway.owned() == 16; }));
    gateway.ask(redis::Command("HSET", gateway.frame.keys().config(), "partitions", "8"));
    gateway.ownership.survey();
    REQUIRE(loop.run_until([&] { return gateway.owned() == 0; }));
    CHECK(gateway.ownership.obstacle() ==
          "mas.config now has 8 partitions; this gateway works with 16 until it is restarted");
    CHECK(gateway.ownership.partitions() == 16);
    gateway.ask(redis::Command("HSET", gateway.frame.keys().config(), "partitions", "16"));
    CHECK(loop.run_until([&] {
      gateway.ownership.survey();
      return gateway.owned() == 16;
    }));
    CHECK(gateway.ownership.obstacle().empty());
  }
}

TEST_CASE("a gateway that stops surveys no more, and leaves no lease") {
  RedisServer server;
  LoopFixture loop;
  {
    Gateway gateway(loop, server, 'a');
    int released = 0;
    gateway.ownership.on_redis_up();
    REQUIRE(loop.run_until([&] { return gateway.owned() == 16; }));
    gateway.ownership.stop();
    CHECK(gateway.owned() == 16);  // the turn under way is finished first
    gateway.ownership.release([&] { ++released; });
    CHECK(gateway.owned() == 0);
    REQUIRE(loop.run_until([&] { return released == 1; }));
    CHECK(gateway.ask(redis::Command("EXISTS", gateway.frame.keys().partition_lease(0),
                                     gateway.frame.keys().partition_lease(15))) == "0");
    gateway.ownership.survey();
    CHECK(gateway.ask(redis::Command("PING")) == "PONG");  // behind what a survey would have asked
    CHECK(gateway.owned() == 0);
  }
}
