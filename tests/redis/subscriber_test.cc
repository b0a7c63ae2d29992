// Subscriptions: confirmed, heard, and heard again after every loss.
#include "proto/redis/subscriber.h"

#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

constexpr size_t kMaxMessage = 1000;

struct Ear final : SubscriberListener {
  std::vector<std::string> messages;
  std::vector<std::string> oversized;
  std::vector<std::string> confirmed;
  std::vector<Error> downs;
  std::vector<Error> errors;

  void on_message(std::string_view channel, std::string_view payload) override {
    messages.push_back(std::string(channel) + "=" + std::string(payload));
  }
  void on_oversized(std::string_view channel, uint64_t bytes) override {
    oversized.push_back(std::string(channel) + "=" + std::to_string(bytes));
  }
  void on_subscribed(std::string_view channel) override { confirmed.emplace_back(channel); }
  void on_subscriber_down(const Error& why, unsigned) override { downs.push_back(why); }
  void on_subscriber_error(const Error& why) override { errors.push_back(why); }
};

}  // namespace

TEST_CASE("subscribed before and after the link, heard, unsubscribed") {
  RedisServer server;
  LoopFixture loop;
  Ear ear;
  Subscriber subscriber(loop.loop(), quick_options(server.url()), ear, kMaxMessage);
  Connection publisher(loop.loop(), quick_options(server.url()), nullptr);
  subscriber.subscribe("early");
  subscriber.subscribe("early");
  subscriber.start();
  publisher.start();
  REQUIRE(loop.run_until([&] { return subscriber.subscribed("early") && publisher.ready(); }));
  subscriber.subscribe("late");
  REQUIRE(loop.run_until([&] { return subscriber.subscribed("late"); }));
  CHECK(ear.confirmed == std::vector<std::string>{"early", "late"});

  Receiver receiver;
  std::string binary("a\0\r\nb", 5);
  REQUIRE(publisher.send(Command("PUBLISH", "early", binary).add("PUBLISH", "late", ""), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return ear.messages.size() == 2; }));
  CHECK(ear.messages[0] == "early=" + binary);
  CHECK(ear.messages[1] == "late=");
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }));
  CHECK(receiver.answers[0] == "1");

  subscriber.unsubscribe("early");
  CHECK_FALSE(subscriber.subscribed("early"));
  Receiver after;
  REQUIRE(loop.run_until([&] {
    if (after.answers.empty() || after.answers.back() != "0")
      (void)publisher.send(Command("PUBLISH", "early", "x"), after.to());
    return !after.answers.empty() && after.answers.back() == "0";
  }));
}

TEST_CASE("hears again after CLIENT KILL and after a restart, thousands of channels included") {
  RedisServer server;
  LoopFixture loop;
  Ear ear;
  Subscriber subscriber(loop.loop(), quick_options(server.url()), ear, kMaxMessage);
  Connection publisher(loop.loop(), quick_options(server.url()), nullptr);
  for (int i = 0; i < 1203; ++i) subscriber.subscribe("c" + std::to_string(i));
  subscriber.start();
  publisher.start();
  REQUIRE(loop.run_until([&] { return ear.confirmed.size() == 1203; }));

  Receiver receiver;
  REQUIRE(publisher.send(Command("CLIENT", "KILL", "TYPE", "pubsub"), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return ear.confirmed.size() == 2 * 1203; }));
  CHECK(ear.downs.size() == 1);
  REQUIRE(publisher.send(Command("PUBLISH", "c1202", "again"), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return ear.messages.size() == 1; }));

  server.restart();
  REQUIRE(loop.run_until([&] { return ear.confirmed.size() == 3 * 1203; }));
  REQUIRE(publisher.send(Command("PUBLISH", "c0", "back"), receiver.to(), 10s).ok());
  REQUIRE(loop.run_until([&] { return ear.messages.size() == 2; }));
  CHECK(ear.messages[1] == "c0=back");
}

TEST_CASE("a server that hangs is noticed by the pings") {
  RedisServer server;
  LoopFixture loop;
  Ear ear;
  Subscriber subscriber(loop.loop(), quick_options(server.url()), ear, kMaxMessage, 50ms);
  subscriber.subscribe("c");
  subscriber.start();
  REQUIRE(loop.run_until([&] { return subscriber.subscribed("c"); }));
  CHECK_FALSE(loop.run_until([&] { return !ear.downs.empty(); }, 400ms));  // pongs keep it
  server.freeze();
  REQUIRE(loop.run_until([&] { return !ear.downs.empty(); }));
  CHECK(ear.downs[0].code == Errc::kTimeout);
  CHECK_FALSE(subscriber.subscribed("c"));
  server.thaw();
  REQUIRE(loop.run_until([&] { return subscriber.subscribed("c"); }));
}

TEST_CASE("a channel that the Redis user may not read is an error, not silence") {
  RedisServer server({"--user", "bob", "on", ">pw", "resetchannels", "&ok", "~*", "+@all"});
  LoopFixture loop;
  Ear ear;
  Subscriber subscriber(loop.loop(), quick_options("unix://bob:pw@" + server.socket()), ear, kMaxMessage);
  subscriber.subscribe("forbidden");
  subscriber.start();
  REQUIRE(loop.run_until([&] { return !ear.errors.empty(); }));
  CHECK(ear.errors[0].code == Errc::kAuthFailed);
  CHECK_FALSE(subscriber.subscribed("forbidden"));
}

TEST_CASE("a message that is too large is told by its size, is not held, and costs no link") {
  constexpr size_t kHuge = 20'000'000;
  RedisServer server;
  LoopFixture loop;
  Ear ear;
  Subscriber subscriber(loop.loop(), quick_options(server.url()), ear, kMaxMessage);
  Connection publisher(loop.loop(), quick_options(server.url()), nullptr);
  subscriber.subscribe("c");
  subscriber.start();
  publisher.start();
  REQUIRE(loop.run_until([&] { return subscriber.subscribed("c") && publisher.ready(); }));

  Receiver receiver;
  const std::string fits(kMaxMessage, 'a'), longer(kMaxMessage + 1, 'b');
  auto publish = [&](std::string_view payload) {
    REQUIRE(publisher.send(Command("PUBLISH", "c", payload), receiver.to(), 10s).ok());
  };
  publish(std::string(kHuge, 'x'));
  publish(fits);
  publish(longer);
  REQUIRE(loop.run_until([&] { return ear.oversized.size() == 2; }));
  CHECK(ear.oversized == std::vector<std::string>{"c=20000000", "c=1001"});
  CHECK(ear.messages == std::vector<std::string>{"c=" + fits});

  subscriber.raise_max_message(kMaxMessage + 1);
  publish(longer);
  REQUIRE(loop.run_until([&] { return ear.messages.size() == 2; }));
  CHECK(ear.messages[1] == "c=" + longer);
  CHECK(ear.oversized.size() == 2);
  CHECK(ear.downs.empty());
}
