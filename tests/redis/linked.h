// What a test of a connection begins with: a server, and a connection to it that is ready (TEST_CASE_METHOD).
#pragma once

#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

namespace mas::test {

struct Linked {
  Linked() {
    connection.start();
    REQUIRE(loop.run_until([this] { return connection.ready(); }));
  }

  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  redis::Connection connection{loop.loop(), quick_options(server.url()), &listener};
};

}  // namespace mas::test
