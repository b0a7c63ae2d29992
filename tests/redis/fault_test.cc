// What happens when the server hangs, dies, comes back, loads, is read-only or is not there.
#include "proto/redis/connection.h"

#include <thread>

#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_server.h"
#include "tests/redis/client.h"
#include "tests/redis/linked.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

TEST_CASE("a server that is not there: attempts go on, waiting commands give up as never sent, then it comes") {
  RedisServer server;
  server.stop();
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options(server.url()), &listener);
  connection.start();
  Receiver receiver;
  REQUIRE(connection.send(Command("PING").add("PING"), receiver.to(), 100ms).ok());
  REQUIRE(connection.send(Command("ECHO", "late"), receiver.to(), 20s).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2 && listener.downs.size() >= 3; }));
  CHECK(receiver.answers == std::vector<std::string>{"!unreachable", "!unreachable"});
  CHECK(listener.downs[0].code == Errc::kUnreachable);
  CHECK(listener.saw(server.socket()));
  CHECK(listener.attempts[2] == 3);
  server.start();
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 3; }));
  CHECK(receiver.answers[2] == "late");
}

TEST_CASE_METHOD(
    Linked, "a link lost with commands under way: their outcome is unknown; what was not sent is sent to the next") {
  server.freeze();
  Receiver sent;
  REQUIRE(connection.send(Command("INCR", "n").add("INCR", "n"), sent.to(), 20s).ok());
  REQUIRE(loop.run_until([&] { return connection.outgoing_bytes() == 0; }));
  Receiver waiting;
  REQUIRE(connection.send(Command("ECHO", "kept"), waiting.to(), 20s).ok());
  connection.drop_link(Error{Errc::kConnectionLost, "before the loop could write it"});
  server.stop();
  CHECK(sent.answers == std::vector<std::string>{"!connection lost", "!connection lost"});
  server.start();
  REQUIRE(loop.run_until([&] { return waiting.answers.size() == 1; }));
  CHECK(waiting.answers[0] == "kept");
  CHECK(connection.generation() == 2);
  CHECK(connection.counters().reconnects == 1);
}

TEST_CASE_METHOD(
    Linked,
    "a link lost in the middle of a rope: its outcome is unknown, and what was sent behind it goes to the next") {
  server.freeze();
  auto text = std::make_shared<std::string>(20 * 1024 * 1024, 'x');
  Rope rope(Lent{text, {*text}});
  rope.add(std::vector<Argument>{"SET", "k", *text});
  const size_t size = rope.size();
  Receiver cut, waiting;
  REQUIRE(connection.send(std::move(rope), cut.to(), 20s).ok());
  REQUIRE(loop.run_until([&] { return connection.outgoing_bytes() < size; }));
  REQUIRE(connection.send(Command("ECHO", "kept"), waiting.to(), 20s).ok());
  connection.drop_link(Error{Errc::kConnectionLost, "in the middle"});
  CHECK(cut.answers == std::vector<std::string>{"!connection lost"});
  CHECK(text.use_count() == 1);
  server.thaw();
  REQUIRE(loop.run_until([&] { return waiting.answers.size() == 1; }));
  CHECK(waiting.answers[0] == "kept");
}

TEST_CASE_METHOD(Linked, "a server that hangs: the oldest command times out and the link is replaced") {
  server.freeze();
  Receiver first;
  Receiver second;
  REQUIRE(connection.send(Command("PING"), first.to(), 100ms).ok());
  REQUIRE(connection.send(Command("PING"), second.to(), 20s).ok());
  REQUIRE(loop.run_until([&] { return second.answers.size() == 1; }));
  CHECK(first.answers == std::vector<std::string>{"!timeout"});
  CHECK(second.answers == std::vector<std::string>{"!connection lost"});
  CHECK(connection.counters().timeouts == 1);
  server.thaw();
  REQUIRE(loop.run_until([&] { return connection.ready(); }));
}

TEST_CASE_METHOD(Linked,
                 "a loop that was busy has not waited: what came meanwhile is read before the deadline is judged") {
  Receiver receiver;
  REQUIRE(connection.send(Command("ECHO", "in time"), receiver.to(), 200ms).ok());
  connection.flush();
  std::this_thread::sleep_for(600ms);
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 1; }));
  CHECK(receiver.answers[0] == "in time");
  CHECK(connection.counters().timeouts == 0);
  server.freeze();
  REQUIRE(connection.send(Command("PING"), receiver.to(), 200ms).ok());
  connection.flush();
  std::this_thread::sleep_for(600ms);
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 2; }, 5s));
  CHECK(receiver.answers[1] == "!timeout");
  server.thaw();
}

TEST_CASE("a text past its limit is answered before it has come, and what stands behind it is lost") {
  RedisServer server;
  LoopFixture loop;
  RecordingListener listener;
  ConnectionOptions options = quick_options(server.url());
  options.reply_limits.text_bytes = 100'000;
  options.command_timeout = 20s;  // Redis fills 50 MB first
  Connection connection(loop.loop(), options, &listener);
  connection.start();
  Receiver before, large, behind;
  REQUIRE(connection.send(Command("SETRANGE", "k", 50'000'000, "x").add("PING"), before.to()).ok());
  REQUIRE(connection.send(Command("GET", "k"), large.to()).ok());
  REQUIRE(connection.send(Command("PING"), behind.to()).ok());
  REQUIRE(loop.run_until([&] { return behind.answers.size() == 1; }));
  CHECK(before.answers == std::vector<std::string>{"50000001", "PONG"});
  CHECK(large.answers == std::vector<std::string>{"!too large"});
  CHECK(behind.answers == std::vector<std::string>{"!connection lost"});
  CHECK(connection.oversized().bytes == 50'000'001);
  CHECK(connection.oversized().head.size() == OversizedText::kHeadBytes);
  CHECK(connection.counters().bytes_in < 5'000'000);
  REQUIRE(loop.run_until([&] { return connection.ready(); }));
}

TEST_CASE("a greeting that is never answered ends in connect_timeout") {
  RedisServer server;
  server.freeze();
  LoopFixture loop;
  RecordingListener listener;
  auto options = quick_options(server.url());
  options.connect_timeout = 100ms;
  Connection connection(loop.loop(), options, &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return listener.downs.size() >= 2; }));
  CHECK(listener.downs[0].code == Errc::kTimeout);
  CHECK(listener.saw("no answer to the greeting within 100 ms"));
  server.thaw();
  REQUIRE(loop.run_until([&] { return connection.ready(); }));
}

TEST_CASE("without keep_unsent nothing waits for a link") {
  RedisServer server;
  LoopFixture loop;
  auto options = quick_options(server.url());
  options.keep_unsent = false;
  Connection connection(loop.loop(), options, nullptr);
  Receiver receiver;
  auto early = connection.send(Command("PING"), receiver.to());
  REQUIRE_FALSE(early.ok());
  CHECK(early.error().code == Errc::kUnreachable);
  connection.start();
  REQUIRE(loop.run_until([&] { return connection.ready(); }));
  REQUIRE(connection.send(Command("PING"), receiver.to()).ok());
  connection.drop_link(Error{Errc::kConnectionLost, "test"});  // before the loop could write it
  CHECK(receiver.answers == std::vector<std::string>{"!unreachable"});
}

TEST_CASE("READONLY is answered, and the link replaced so that the name is resolved again") {
  RedisServer primary;
  RedisServer replica({"--replicaof", "127.0.0.1", "1"});
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options(replica.url()), &listener);
  connection.start();
  Receiver receiver;
  REQUIRE(connection.send(Command("SET", "k", "v"), receiver.to()).ok());
  REQUIRE(loop.run_until([&] { return receiver.answers.size() == 1 && listener.ready >= 2; }));
  CHECK(receiver.answers[0].starts_with("-READONLY"));
  CHECK(listener.saw("READONLY"));
  CHECK(error_of(Reply{Reply::Type::kError, 0, "READONLY x", nullptr, 0}).code == Errc::kUnavailable);
}

TEST_CASE("a refusal to serve while greeting counts as no link, with Redis's own words") {
  // A replica whose primary is away and that may not serve stale data answers PING with MASTERDOWN.
  RedisServer replica({"--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no"});
  LoopFixture loop;
  RecordingListener listener;
  Connection connection(loop.loop(), quick_options(replica.url()), &listener);
  connection.start();
  REQUIRE(loop.run_until([&] { return !listener.downs.empty() || listener.ready > 0; }));
  CHECK(listener.ready == 0);
  REQUIRE_FALSE(listener.downs.empty());
  CHECK(listener.downs[0].code == Errc::kUnavailable);
  CHECK(listener.saw("MASTERDOWN"));
}

TEST_CASE("host names that do not resolve and ports nobody listens on are reported and tried again") {
  LoopFixture loop;
  RecordingListener listener;
  int port = unused_port();
  Connection closed(loop.loop(), quick_options("redis://127.0.0.1:" + std::to_string(port)), &listener);
  closed.start();
  REQUIRE(loop.run_until([&] { return listener.downs.size() >= 2; }));
  CHECK(listener.downs[0].code == Errc::kUnreachable);
  CHECK(listener.saw("connection refused"));

  RecordingListener nowhere;
  Connection unresolved(loop.loop(), quick_options("redis://no-such-host.invalid"), &nowhere);
  unresolved.start();
  REQUIRE(loop.run_until([&] { return !nowhere.downs.empty(); }, 30s));
  CHECK((nowhere.saw("cannot resolve") || nowhere.saw("no connection within")));
}

TEST_CASE("something that does not speak RESP is a protocol error") {
  LoopFixture loop;
  struct Impostor {
    uv_tcp_t listener;
    uv_tcp_t client;
  } impostor;
  uv_tcp_init(loop.loop(), &impostor.listener);
  uv_tcp_init(loop.loop(), &impostor.client);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&impostor.listener, reinterpret_cast<sockaddr*>(&address), 0);
  impostor.listener.data = &impostor;
  uv_listen(reinterpret_cast<uv_stream_t*>(&impostor.listener), 1, [](uv_stream_t* server, int) {
    auto* self = static_cast<Impostor*>(server->data);
    if (uv_accept(server, reinterpret_cast<uv_stream_t*>(&self->client)) != 0) return;
    static char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    uv_buf_t buffer = uv_buf_init(text, sizeof text - 1);
    uv_try_write(reinterpret_cast<uv_stream_t*>(&self->client), &buffer, 1);
  });
  int size = sizeof address;
  uv_tcp_getsockname(&impostor.listener, reinterpret_cast<sockaddr*>(&address), &size);
  RecordingListener listener;
  {
    Connection connection(loop.loop(), quick_options("redis://127.0.0.1:" + std::to_string(ntohs(address.sin_port))),
                          &listener);
    connection.start();
    CHECK(loop.run_until([&] { return !listener.downs.empty(); }));
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&impostor.listener), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&impostor.client), nullptr);
  loop.run_until([] { return false; }, 20ms);
  REQUIRE_FALSE(listener.downs.empty());
  CHECK(listener.downs[0].code == Errc::kProtocol);
}

TEST_CASE_METHOD(Linked, "callbacks may send, forget and stop while a loss is being answered") {
  server.freeze();
  struct Chain {
    Connection* connection;
    Receiver* victim;
    int calls = 0;
    void on_reply(uint64_t, const Answer&) {
      ++calls;
      connection->forget(victim);
      (void)connection->send(Command("PING"), ReplyTo{});
      connection->stop();
    }
  };
  Receiver victim;
  Chain chain{&connection, &victim};
  REQUIRE(connection.send(Command("PING"), reply_to<&Chain::on_reply>(&chain), 50ms).ok());
  REQUIRE(connection.send(Command("PING"), victim.to()).ok());
  REQUIRE(loop.run_until([&] { return chain.calls > 0; }));
  CHECK(chain.calls == 1);
  CHECK(victim.answers.empty());
  CHECK(connection.state() == LinkState::kStopped);
}

TEST_CASE("who is forgotten in the answer to one command hears nothing of the others of its run") {
  RedisServer server;
  LoopFixture loop;
  Connection connection(loop.loop(), quick_options(server.url()), nullptr);
  struct Once {
    Connection* connection;
    int calls = 0;
    void on_reply(uint64_t, const Answer&) {
      ++calls;
      connection->forget(this);
    }
  };
  Once lost{&connection}, unsent{&connection}, stopped{&connection}, heard{&connection};
  Command run("PING");
  run.add("PING").add("PING");
  connection.start();
  REQUIRE(loop.run_until([&] { return connection.ready(); }));
  REQUIRE(connection.send(run, reply_to<&Once::on_reply>(&heard)).ok());
  REQUIRE(loop.run_until([&] { return connection.pending_commands() == 0; }));
  CHECK(heard.calls == 1);

  server.freeze();
  Receiver after;
  REQUIRE(connection.send(run, reply_to<&Once::on_reply>(&lost), 50ms).ok());
  REQUIRE(connection.send(run, after.to()).ok());
  REQUIRE(loop.run_until([&] { return after.answers.size() == 3; }));
  CHECK(lost.calls == 1);
  CHECK(after.answers == std::vector<std::string>(3, "!connection lost"));
  CHECK(connection.pending_commands() == 0);

  REQUIRE(connection.send(run, reply_to<&Once::on_reply>(&unsent), 20ms).ok());
  REQUIRE(loop.run_until([&] { return unsent.calls > 0; }));
  CHECK(unsent.calls == 1);
  REQUIRE(connection.send(run, reply_to<&Once::on_reply>(&stopped)).ok());
  connection.stop();
  CHECK(stopped.calls == 1);
  CHECK(connection.pending_commands() == 0);
}
