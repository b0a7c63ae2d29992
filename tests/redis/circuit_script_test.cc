// The script that writes a circuit, against a real Redis: the first of two wins, and odd keys are left or replaced.
#include "daemons/gatewayd/breaker/breaker.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace mas::test;

namespace {

constexpr WallMicros kNow = 1'795'350'060'000'001;

struct CircuitCase {
  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  redis::Connection connection{loop.loop(), quick_options(server.url()), &listener};
  Receiver receiver;

  CircuitCase() {
    connection.start();
    REQUIRE(loop.run_until([&] { return connection.ready(); }));
  }

  std::string answer_to(const redis::Command& command) {
    size_t before = receiver.answers.size();
    REQUIRE(connection.send(command, receiver.to()).ok());
    REQUIRE(loop.run_until([&] { return receiver.answers.size() > before; }));
    return receiver.answers.back();
  }
  template <typename... Args>
  std::string ask(const Args&... args) {
    return answer_to(redis::Command(args...));
  }
  std::string write(uint64_t from, const Circuit& circuit) {
    const auto values = circuit_values(circuit);
    const std::string number = std::to_string(from);
    std::vector<std::string_view> words{"EVAL", kWriteCircuit, "1", "circuit:bob", number};
    for (size_t i = 0; i < values.size(); ++i) words.insert(words.end(), {kCircuitFields[i], values[i]});
    return answer_to(redis::Command::of(words));
  }
  std::string held(std::string_view field) { return ask("HGET", "circuit:bob", field); }
};

}  // namespace

TEST_CASE("of two changes from the same generation the first holds") {
  CircuitCase at;
  const std::string one = at.ask("INCR", "counter"), zero = at.ask("EXISTS", "nothing");
  const Circuit opened{CircuitState::kOpen, 1, kNow, kNow + 5'000'000, 1, CircuitCause::kFailures};
  CHECK(at.write(0, opened) == one);
  CHECK(at.write(0, {CircuitState::kForcedOpen, 1, kNow, 0, 0, CircuitCause::kOperator}) == zero);
  const std::string state = at.held("state");
  CHECK(state.find("open") != std::string::npos);
  CHECK(state.find("forced") == std::string::npos);
  CHECK(at.held("since").find("1795350060.000001") != std::string::npos);
  CHECK(at.write(7, opened) == zero);
  CHECK(at.write(1, {CircuitState::kHalfOpen, 2, kNow, kNow, 1, CircuitCause::kFailures}) == one);
  CHECK(at.held("generation").find('2') != std::string::npos);
}

TEST_CASE("what holds no generation counts as 0, and a key of another type is left alone") {
  CircuitCase at;
  const std::string one = at.ask("INCR", "counter"), zero = at.ask("EXISTS", "nothing");
  const Circuit opened{CircuitState::kOpen, 1, kNow, 0, 1, CircuitCause::kInactive};
  at.ask("HSET", "circuit:bob", "generation", "many");
  CHECK(at.write(0, opened) == one);
  at.ask("SET", "circuit:bob", "text");
  CHECK(at.write(0, opened) == zero);
  CHECK(at.ask("GET", "circuit:bob").find("text") != std::string::npos);
}
