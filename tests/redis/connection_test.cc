// Commands, pipelines, transactions and bounds on a healthy server.
#include "proto/redis/connection.h"

#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/redis/linked.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

TEST_CASE("every kind of reply arrives, in order, with its tag") {
  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options(server.url()), &listener);
  Receiver receiver;
  Command commands("SET", "k", std::string_view("a\0b", 3));
  commands.add("GET", "k").add("GET", "missing").add("INCRBY", "n", 41).add("LPUSH", "l", "x", "y", "");
  commands.add("LRANGE", "l", 0, -1).add("NOSUCH").add("LRANGE", "empty", 0, -1);
  REQUIRE(connection.send(commands, receiver.to(100)).ok());  // before the link: kept
  connection.start();
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 8; }));
  CHECK(receiver.answers[0] == "OK");
  CHECK(receiver.answers[1] == std::string("a\0b", 3));
  CHECK(receiver.answers[2] == "nil");
  CHECK(receiver.answers[3] == "41");
  CHECK(receiver.answers[4] == "3");
  CHECK(receiver.answers[5] == "[3]");
  CHECK(receiver.answers[6].starts_with("-ERR unknown command"));
  CHECK(receiver.answers[7] == "[0]");
  CHECK(receiver.tags.front() == 100);
  CHECK(receiver.tags.back() == 107);
  CHECK(listener.ready == 1);
  CHECK(connection.generation() == 1);
  CHECK(connection.pending_commands() == 0);
}

TEST_CASE("a hundred thousand pipelined commands keep their order; a large value comes whole") {
  RedisServer server;
  LoopFixture loop;
  Connection connection(loop.loop(), quick_options(server.url()), nullptr);
  connection.start();
  struct Counter {
    int64_t next = 1;
    bool ordered = true;
    void on_reply(uint64_t, const Answer& answer) {
      ordered = ordered && answer.ok() && (*answer)->integer == next;
      ++next;
    }
  } counter;
  for (int i = 0; i < 100'000; ++i)
    REQUIRE(connection.send(Command("INCR", "n"), reply_to<&Counter::on_reply>(&counter)).ok());
  REQUIRE(loop.run_until([&] { return counter.next == 100'001; }, 30s));
  CHECK(counter.ordered);

  std::string large(20 * 1024 * 1024, 'x');
  large[12345] = 'y';
  Receiver receiver;
  REQUIRE(connection.send(Command("SET", "large", large).add("GET", "large"), receiver.to(), 20s).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }, 30s));
  CHECK(receiver.answers[1] == large);
}

TEST_CASE("a rope arrives whole, between what was sent before and behind it, and what it was lent comes back") {
  RedisServer server;
  LoopFixture loop;
  Connection connection(loop.loop(), quick_options(server.url()), nullptr);
  auto text = std::make_shared<std::string>(20 * 1024 * 1024, 'x');
  (*text)[12345] = 'y';
  Receiver receiver;
  REQUIRE(connection.send(Command("SET", "k", "small"), receiver.to(), 20s).ok());
  Rope rope(Lent{text, {*text}});
  rope.add(std::vector<Argument>{"GETSET", "k", *text}).add(Command("GET", "k"));
  REQUIRE(connection.send(std::move(rope), receiver.to(), 20s).ok());
  REQUIRE(connection.send(Command("STRLEN", "k"), receiver.to(), 20s).ok());
  CHECK(connection.outgoing_bytes() > text->size());
  connection.start();
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 4; }, 30s));
  CHECK(receiver.answers[1] == "small");
  CHECK(receiver.answers[2] == *text);
  CHECK(receiver.answers[3] == std::to_string(text->size()));
  CHECK(text.use_count() == 1);
}

TEST_CASE("a transaction gives one answer: the result, nil after a watched key changed, or the first error") {
  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options(server.url()), &listener);
  Connection other(loop.loop(), quick_options(server.url()), nullptr);
  connection.start();
  other.start();
  REQUIRE(loop.run_until([&] { return connection.ready() && other.ready(); }));

  Receiver receiver;
  Command body("INCR", "n");
  body.add("INCR", "n");
  REQUIRE(connection.transaction(body, receiver.to(7), connection.generation()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 1; }));
  CHECK(receiver.answers[0] == "[2]");
  CHECK(receiver.tags[0] == 7);

  REQUIRE(connection.send(Command("WATCH", "n"), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }));
  REQUIRE(other.send(Command("SET", "n", 9), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 3; }));
  REQUIRE(connection.transaction(body, receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 4; }));
  CHECK(receiver.answers[3] == "nil");

  REQUIRE(connection.transaction(Command("NOSUCH"), receiver.to()).ok());
  REQUIRE(connection.send(Command("GET", "n"), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 6; }));
  CHECK(receiver.answers[4].starts_with("-ERR unknown command"));
  CHECK(receiver.answers[5] == "9");

  auto stale = connection.transaction(body, receiver.to(), connection.generation() + 1);
  REQUIRE_FALSE(stale.ok());
  CHECK(stale.error().code == Errc::kConnectionLost);
}

TEST_CASE("the queue is bounded, in bytes and commands, and says so") {
  RedisServer server;
  LoopFixture loop;
  auto options = quick_options(server.url());
  options.max_outgoing_bytes = 1000;
  options.max_pending_commands = 10;
  Connection connection(loop.loop(), options, nullptr);
  Receiver receiver;
  auto large = connection.send(Command("SET", "k", std::string(1000, 'x')), receiver.to());
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().code == Errc::kWouldBlock);
  CHECK(large.error().message.find("of 1000 bytes") != std::string::npos);
  for (int i = 0; i < 10; ++i) REQUIRE(connection.send(Command("PING"), receiver.to()).ok());
  auto eleventh = connection.send(Command("PING"), receiver.to());
  REQUIRE_FALSE(eleventh.ok());
  CHECK(eleventh.error().message.find("of 10 commands") != std::string::npos);
  connection.start();
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 10; }));
  CHECK(connection.send(Command("PING"), receiver.to()).ok());
}

TEST_CASE_METHOD(Linked, "stop answers what is pending, forget silences it, and a stopped connection refuses") {
  Receiver kept;
  Receiver forgotten;
  REQUIRE(connection.send(Command("PING").add("PING"), kept.to()).ok());
  REQUIRE(connection.send(Command("PING"), forgotten.to()).ok());
  connection.forget(&forgotten);
  connection.stop();
  CHECK(kept.answers == std::vector<std::string>{"!cancelled", "!cancelled"});
  CHECK(forgotten.answers.empty());
  auto status = connection.send(Command("PING"), kept.to());
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Errc::kInvalidState);
}

TEST_CASE("user, password and database of the URL are used; wrong ones are reported, never printed") {
  RedisServer server({"--requirepass", "s3cret", "--user", "bob", "on", ">pa%ss", "~*", "&*", "+@all"});
  LoopFixture loop;
  std::string authority = "/";
  std::string path = server.socket();

  RecordingListener good;
  Connection bob(loop.loop(), quick_options("unix://bob:pa%25ss@" + path + "?db=3"), &good);
  bob.start();
  Receiver receiver;
  REQUIRE(bob.send(Command("ACL", "WHOAMI").add("CLIENT", "INFO"), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }));
  CHECK(receiver.answers[0] == "bob");
  CHECK(receiver.answers[1].find(" db=3 ") != std::string::npos);

  RecordingListener wrong;
  Connection mallory(loop.loop(), quick_options("unix://bob:wr0ng@" + path), &wrong);
  mallory.start();
  REQUIRE(loop.run_until([&] { return wrong.downs.size() >= 2; }));
  CHECK(wrong.downs[0].code == Errc::kAuthFailed);
  CHECK(wrong.saw("WRONGPASS"));
  CHECK_FALSE(wrong.saw("wr0ng"));

  RecordingListener none;
  Connection anonymous(loop.loop(), quick_options(server.url()), &none);
  anonymous.start();
  REQUIRE(loop.run_until([&] { return !none.downs.empty(); }));
  CHECK(none.downs[0].code == Errc::kAuthFailed);
  CHECK(none.saw("NOAUTH"));
}
