// The link to a server by itself: found, greeted, lost and made anew. The server is played by the test.
#include "proto/redis/server_link.h"

#include <optional>
#include <string>
#include <vector>

#include "tests/lib/loop_fixture.h"
#include "tests/redis/client.h"
#include "tests/redis/fake_server.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

/// Hands the greeting's replies on, as a connection does, and keeps what comes after it.
struct Owner final : LinkListener {
  ServerLink* link = nullptr;
  std::optional<ReplyReader> reader;
  std::vector<std::string> story;  // in order
  std::vector<Error> losses;
  std::string received;
  std::function<void()> when_ready = [] {};

  void on_link_open(size_t greeting_bytes) override {
    CHECK(greeting_bytes > 0);
    reader.emplace();
    story.emplace_back("open");
  }
  void on_link_bytes(std::span<char> bytes) override {
    if (link->ready()) received.append(bytes.data(), bytes.size());
    if (!link->greeting()) return;
    REQUIRE(reader->feed({bytes.data(), bytes.size()}).ok());
    for (auto next = reader->next(); link->greeting() && *next != nullptr; next = reader->next())
      if (Status taken = link->greeted(**next); !taken) return link->drop(taken.error());
  }
  void on_link_ready() override {
    story.emplace_back("ready");
    when_ready();
  }
  void on_link_written() override {}
  void on_link_lost(const Error& why) override {
    story.emplace_back("lost");
    losses.push_back(why);
  }
};

using Story = std::vector<std::string>;

struct Stage {
  Stage() {
    options = quick_options("redis://127.0.0.1:" + std::to_string(server.node().port));
    options.client_name = "test";
    options.primary_only = true;
    server.have_role(nullptr);
  }
  ~Stage() { link.reset(); }
  void start() {
    owner.link = &link.emplace(loop.loop(), options, owner);
    link->start();
  }
  bool until(const std::function<bool()>& condition) {
    return loop.run_until([&] {
      server.serve();
      return condition();
    });
  }
  bool told(size_t events) {
    return until([&] { return owner.story.size() >= events; });
  }

  LoopFixture loop;
  FakeServer server;
  ConnectionOptions options;
  Owner owner;
  std::optional<ServerLink> link;
};

}  // namespace

TEST_CASE("a link opens, greets and is ready; then its bytes are its listener's") {
  Stage stage;
  stage.start();
  CHECK(stage.link->state() == LinkState::kConnecting);
  REQUIRE(stage.told(2));
  CHECK(stage.owner.story == Story{"open", "ready"});
  CHECK(stage.link->ready());
  CHECK(stage.link->generation() == 1);
  CHECK(stage.link->tells_role());
  CHECK_FALSE(stage.link->speaks_resp3());
  CHECK(stage.server.heard("CLIENT") == 1);
  std::string ping = "*1\r\n$4\r\nPING\r\n";
  stage.link->write(ping);
  CHECK(ping.empty());
  CHECK(stage.until([&] { return stage.owner.received == "+PONG\r\n"; }));
}

TEST_CASE("a link that is lost is made anew, and the listener may drop it while it is told that it is ready") {
  Stage stage;
  stage.options.backoff_cap = 10s;
  stage.owner.when_ready = [&] {
    if (stage.link->generation() == 1) stage.link->drop(Error{Errc::kUnavailable, "not this one"});
  };
  stage.start();
  REQUIRE(stage.told(5));
  CHECK(stage.owner.story == Story{"open", "ready", "lost", "open", "ready"});
  CHECK(stage.owner.losses[0].message == stage.link->server().address() + ": not this one");
  CHECK(stage.link->attempts() == 1);
  CHECK(stage.link->generation() == 2);
  stage.server.hang_up();
  REQUIRE(stage.told(8));
  CHECK(stage.owner.losses[1].code == Errc::kConnectionLost);
  CHECK(stage.link->attempts() == 2);  // neither link was ready for backoff_cap
}

TEST_CASE("a text that was too large says nothing about the link: the backoff begins anew") {
  Stage stage;
  stage.owner.when_ready = [&] {
    const Errc why = stage.link->generation() < 3 ? Errc::kUnavailable : Errc::kTooLarge;
    if (stage.link->generation() < 4) stage.link->drop(Error{why, "dropped"});
  };
  stage.start();
  REQUIRE(stage.until([&] { return stage.link->generation() == 4; }));
  CHECK(stage.link->attempts() == 1);
}

TEST_CASE("what refuses to serve, or is no primary, counts as a failed attempt") {
  Stage stage;
  const Node elsewhere{"127.0.0.1", 1};
  stage.server.have_role(&elsewhere);
  stage.start();
  REQUIRE(stage.told(4));
  CHECK(stage.owner.story == Story{"open", "lost", "open", "lost"});
  CHECK(stage.owner.losses[0].code == Errc::kUnavailable);
  CHECK(stage.owner.losses[0].message.find("expected the primary") != std::string::npos);
  stage.server.have_role(nullptr);
  stage.server.say("PING", "-LOADING Redis is loading the dataset in memory\r\n");
  const size_t before = stage.owner.losses.size();
  REQUIRE(stage.until([&] { return stage.owner.losses.size() >= before + 2; }));
  CHECK(stage.owner.losses.back().message.find("LOADING") != std::string::npos);
  CHECK(stage.link->generation() == 0);
  stage.server.say("PING", "+PONG\r\n");
  CHECK(stage.until([&] { return stage.link->ready(); }));
}

TEST_CASE("who says nothing has connect_timeout for it; who cannot be reached is tried again") {
  Stage stage;
  stage.options.connect_timeout = 50ms;
  stage.server.hang(true);
  stage.start();
  REQUIRE(stage.until([&] { return stage.owner.losses.size() == 1; }));
  CHECK(stage.owner.losses[0].code == Errc::kTimeout);
  CHECK(stage.owner.losses[0].message.find("no answer to the greeting within 50 ms") != std::string::npos);
  CHECK(stage.link->state() == LinkState::kBackingOff);
  stage.server.close_down();
  REQUIRE(stage.until([&] { return stage.owner.losses.size() >= 4; }));
  CHECK(stage.owner.losses.back().message.find("connection refused") != std::string::npos);
  CHECK(stage.link->attempts() >= 4);
}

TEST_CASE("a stopped link tells nothing, and nothing starts it again") {
  Stage stage;
  stage.start();
  REQUIRE(stage.told(2));
  stage.link->stop();
  stage.link->stop();
  stage.link->drop(Error{Errc::kTimeout, "too late"});
  stage.link->start();
  stage.server.hang_up();
  CHECK_FALSE(stage.loop.run_until([&] { return stage.owner.story.size() > 2; }, 50ms));
  CHECK(stage.link->state() == LinkState::kStopped);
}

TEST_CASE("a cluster's endpoint is refused, but not inside of start()") {
  Stage stage;
  stage.options.endpoint = *parse_url("redis+cluster://127.0.0.1:1");
  stage.start();
  CHECK(stage.owner.losses.empty());
  REQUIRE(stage.told(1));
  CHECK(stage.owner.losses[0].code == Errc::kInvalidArgument);
}

TEST_CASE("RESP3 is wanted of a primary only") {
  for (const bool primary : {true, false}) {
    Stage stage;
    stage.options.primary_only = primary;
    ServerLink link(stage.loop.loop(), stage.options, stage.owner);
    link.want_resp3();
    CHECK(link.speaks_resp3() == primary);
  }
}
