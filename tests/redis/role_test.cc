// What a connection does when its server is not a primary (any more): the server is played by the test, on a unix
// socket.
#include "proto/redis/connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/lib/loop_fixture.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

constexpr std::string_view kHelloOfPrimary = "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";
constexpr std::string_view kHelloOfReplica = "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nrole\r\n$7\r\nreplica\r\n";
constexpr std::string_view kPong = "+PONG\r\n";

/// Listens; the test says what it answers.
class Server {
 public:
  Server() {
    char made[] = "/tmp/mas-unit-XXXXXX";
    REQUIRE(mkdtemp(made) != nullptr);
    folder_ = made;
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 8) == 0);
  }
  ~Server() {
    hang_up();
    close(listener_);
    std::filesystem::remove_all(folder_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string path() const { return folder_ + "/s"; }
  bool connected() {
    if (peer_ < 0) peer_ = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer_ >= 0;
  }
  /// Everything that has come on this connection.
  const std::string& heard() {
    char bytes[4096];
    for (ssize_t n; peer_ >= 0 && (n = read(peer_, bytes, sizeof bytes)) > 0;)
      heard_.append(bytes, static_cast<size_t>(n));
    return heard_;
  }
  void say(std::string_view bytes) {
    REQUIRE(write(peer_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void hang_up() {
    if (peer_ >= 0) close(peer_);
    peer_ = -1;
    heard_.clear();
  }

 private:
  std::string folder_;
  int listener_ = -1, peer_ = -1;
  std::string heard_;
};

struct Watcher : ConnectionListener {
  int ready = 0;
  std::vector<std::string> downs;
  std::function<void(Connection&)> when_ready;

  void on_ready(Connection& connection) override {
    ++ready;
    if (when_ready) when_ready(connection);
  }
  void on_down(Connection&, const Error& why, unsigned) override { downs.push_back(why.message); }
};

/// A connection to the server, and the loop of both.
class Stage {
 public:
  explicit Stage(bool push = false) {
    ConnectionOptions options = quick_options("unix://" + server.path());
    options.primary_only = true;
    options.role_interval = 20ms;
    connection.emplace(loop_.loop(), options, &watcher);
    if (push) connection->push_mode(1024);
    connection->start();
  }

  /// Runs the loop until something is true.
  void until(const std::function<bool()>& condition) { REQUIRE(loop_.run_until(condition)); }
  void connect() {
    until([&] { return server.connected() && server.heard().ends_with("PING\r\n"); });
  }
  void greet(std::string_view hello = kHelloOfPrimary) {
    const int before = watcher.ready;
    connect();
    server.say(hello);
    server.say(kPong);
    until([&] { return watcher.ready > before; });
  }
  /// How often the server was asked for its role, the greeting included.
  size_t hellos() {
    size_t count = 0;
    const std::string& heard = server.heard();
    for (size_t at = heard.find("HELLO"); at != std::string::npos; at = heard.find("HELLO", at + 1)) ++count;
    return count;
  }

 private:
  LoopFixture loop_;

 public:
  Server server;
  Watcher watcher;
  Receiver receiver;
  std::optional<Connection> connection;
};

}  // namespace

TEST_CASE("a server that is demoted, and closes nothing, loses the link") {
  Stage stage;
  stage.greet();
  stage.until([&] { return stage.hellos() >= 2; });
  stage.server.say(kHelloOfPrimary);
  stage.until([&] { return stage.hellos() >= 3; });
  CHECK(stage.watcher.downs.empty());
  stage.server.say(kHelloOfReplica);
  stage.until([&] { return !stage.watcher.downs.empty(); });
  CHECK(stage.watcher.downs[0].ends_with("this Redis is a replica; expected the primary"));
}

TEST_CASE("a replica is no server from the start") {
  Stage stage;
  stage.connect();
  stage.server.say(kHelloOfReplica);
  stage.until([&] { return !stage.watcher.downs.empty(); });
  CHECK(stage.watcher.ready == 0);
  stage.server.hang_up();
  stage.greet();  // tried again, and another one answers there now
}

TEST_CASE("a link that only listens speaks RESP3, and asks with each sign of life") {
  Stage stage(true);
  constexpr std::string_view kHello3 = "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";
  stage.greet(kHello3);
  CHECK(stage.server.heard().find("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n") != std::string::npos);
  const Command sign = stage.connection->sign_of_life();
  CHECK(sign.bytes() == "*1\r\n$5\r\nHELLO\r\n");
  REQUIRE(stage.connection->send(sign, ReplyTo{}).ok());
  stage.until([&] { return stage.hellos() == 2; });
  stage.server.say("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nrole\r\n$7\r\nreplica\r\n");
  stage.until([&] { return !stage.watcher.downs.empty(); });
  CHECK(stage.watcher.downs[0].ends_with("expected the primary"));
}

TEST_CASE("a server without HELLO is asked no more, and a link that listens to it pings") {
  for (bool push : {false, true}) {
    Stage stage(push);
    stage.greet("-ERR unknown command 'HELLO'\r\n");
    if (push) CHECK(stage.connection->sign_of_life().bytes() == "*1\r\n$4\r\nPING\r\n");
    stage.connection->ask_role();
    const MonoTime end = mono_now() + std::chrono::milliseconds(60);
    stage.until([&] { return mono_now() > end; });
    CHECK(stage.hellos() == 1);
  }
}

TEST_CASE("a transaction that was not sent is never sent on another link; what stands around it is") {
  Stage stage;
  stage.watcher.when_ready = [&](Connection& connection) {
    if (stage.watcher.ready > 1) return;
    CHECK(connection.send(Command("GET", "first"), stage.receiver.to()).ok());
    CHECK(connection.transaction(Command("SET", "k", "v"), stage.receiver.to()).ok());
    CHECK(connection.send(Command("GET", "second"), stage.receiver.to()).ok());
    connection.drop_link(Error{Errc::kTimeout, "the test wants it so"});  // before the loop has written anything
  };
  stage.connect();
  stage.server.say(kHelloOfPrimary);
  stage.server.say(kPong);
  stage.until([&] { return !stage.watcher.downs.empty(); });
  CHECK(stage.receiver.answers == std::vector<std::string>{"!unreachable"});
  stage.server.hang_up();
  stage.greet();
  stage.until([&] { return stage.server.heard().find("second") != std::string::npos; });
  CHECK(stage.server.heard().find("first") != std::string::npos);
  CHECK(stage.server.heard().find("MULTI") == std::string::npos);
  stage.server.say("$1\r\n1\r\n$1\r\n2\r\n");
  stage.until([&] { return stage.receiver.answers.size() == 3; });
  CHECK(stage.receiver.answers == std::vector<std::string>{"!unreachable", "1", "2"});
}
