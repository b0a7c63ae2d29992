// Reads with a bound, against a real Redis: what is too large is answered by its length, or refused, at any depth.
#include "proto/redis/bounded_answer.h"

#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

constexpr size_t kLarge = 3'000'000;

/// A reply in one line: texts as they are, lengths with a mark.
std::string flat(const Reply& reply) {
  if (reply.is_nil()) return "nil";
  if (reply.is_integer()) return "#" + std::to_string(reply.integer);
  if (reply.is_error()) return "-" + std::string(reply.text);
  if (!reply.is_array()) return std::string(reply.text);
  std::string text = "[";
  for (const Reply& element : reply) text += (text.size() > 1 ? " " : "") + flat(element);
  return text + "]";
}

struct Bench {
  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  Connection connection{loop.loop(), quick_options(server.url()), &listener};
  std::string last;
  size_t count = 0;

  Bench() {
    connection.start();
    REQUIRE(loop.run_until([&] { return connection.ready(); }));
    for (const char* key : {"text", "list", "hash"}) ask(Command("DEL", key));
    ask(Command("SETRANGE", "text", kLarge - 1, "x"));
  }

  void on_reply(uint64_t, const Answer& answer) {
    last = answer.ok() ? flat(**answer) : "!" + answer.error().message;
    ++count;
  }
  std::string ask(const Command& command) {
    const size_t before = count;
    REQUIRE(connection.send(command, reply_to<&Bench::on_reply>(this)).ok());
    REQUIRE(loop.run_until([&] { return count > before; }));
    return last;
  }
  /// @param call a command whose last argument is the large text.
  void put_large(std::string_view call) {
    ask(Command("EVAL", "return redis.call(" + std::string(call) + ", redis.call('GET', KEYS[1]))", 1, "text"));
  }
  uint64_t bytes_in() const { return connection.counters().bytes_in; }
};

}  // namespace

TEST_CASE("a text over the bound is answered by its length, at any depth") {
  Bench bench;
  const std::string large = "#" + std::to_string(kLarge);
  bench.put_large("'HSET', 'hash', 'small', '1', 'large'");
  bench.put_large("'RPUSH', 'list', 'first'");
  bench.put_large("'XADD', 'stream', '1-1', 'a', 'b', 'payload'");
  const uint64_t before = bench.bytes_in();
  CHECK(bench.ask(bounded({.text = 100}, {"GET", "text"})) == large);
  CHECK(bench.ask(bounded({.text = 100}, {"GET", "nothing"})) == "nil");
  CHECK(bench.ask(bounded({.text = 100}, {"HMGET", "hash", "small", "large", "none"})) == "[1 " + large + " nil]");
  CHECK(bench.ask(bounded({.text = 100}, {"LRANGE", "list", "0", "-1"})) == "[first " + large + "]");
  CHECK(bench.ask(bounded({.text = 100}, {"XRANGE", "stream", "-", "+"})) == "[[1-1 [a b payload " + large + "]]]");
  CHECK(bench.ask(bounded({.text = 5}, {"LRANGE", "list", "0", "0"})) == "[first]");
  CHECK(bench.ask(bounded({.text = 4}, {"LRANGE", "list", "0", "0"})) == "[#5]");
  CHECK(bench.bytes_in() - before < 1000);
}

TEST_CASE("names of keys are bounded, too") {
  Bench bench;
  bench.ask(Command("EVAL", "return redis.call('SET', redis.call('GET', KEYS[1]), '1')", 1, "text"));
  const std::string large = "#" + std::to_string(kLarge);
  const std::string page = bench.ask(bounded({.text = 100}, {"SCAN", "0", "COUNT", "100"}));
  CHECK(page.find(large) != std::string::npos);
  CHECK(page.find("text") != std::string::npos);
  CHECK(page.size() < 100);
}

TEST_CASE("a reader can refuse, and bounds the whole in any case") {
  Bench bench;
  bench.put_large("'HSET', 'hash', 'large'");
  const std::string refused = bench.ask(bounded({.text = 100, .refuse = true}, {"HGETALL", "hash"}));
  CHECK(refused.starts_with("-TOOLARGE hash: a text of 3000000 bytes; expected at most 100"));
  const std::string whole = bench.ask(bounded({.text = kLarge, .whole = 1000}, {"GET", "text"}));
  CHECK(whole.starts_with("-TOOLARGE text: an answer of 3000000 bytes; expected at most 1000"));
  CHECK(bench.ask(bounded({.text = 100}, {"HGETALL", "text"})).starts_with("-WRONGTYPE"));
  CHECK(too_large("x", 7, 5).message == "x has 7 bytes; expected at most 5");
}
