// Finding and following a primary by sentinels. The test plays sentinels and Redis servers.
#include "proto/redis/sentinel/sentinels.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/redis/subscriber.h"
#include "tests/lib/loop_fixture.h"
#include "tests/redis/client.h"
#include "tests/redis/fake_server.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

struct SwitchLog final : SentinelsListener {
  std::vector<std::string> switches;
  int lost = 0, heard = 0;
  void on_switch(const Naming& from, const Naming& to, const Node& by) override {
    switches.push_back(from.server.text() + " > " + to.server.text() + " by " + by.text());
  }
  void on_sentinels_lost(const Error&) override { ++lost; }
  void on_sentinels_heard(const Node&) override { ++heard; }
};

/// Three sentinels and two servers: `a` is the primary as of epoch 1, `b` replicates it.
struct Stage {
  LoopFixture loop;
  FakeServer sentinels[3];
  FakeServer a, b;
  RecordingListener listener;
  SwitchLog log;
  std::shared_ptr<Sentinels> group;
  std::unique_ptr<Connection> link;

  Stage() {
    const Node a_node = a.node();
    a.have_role(nullptr);
    b.have_role(&a_node);
    for (auto& sentinel : sentinels) name(sentinel, a, 1);
  }
  ~Stage() {
    link.reset();
    group.reset();
  }

  void name(FakeServer& sentinel, const FakeServer& primary, uint64_t epoch) {
    std::vector<Node> others;
    for (const auto& other : sentinels)
      if (&other != &sentinel) others.push_back(other.node());
    sentinel.name_primary(primary.node(), epoch, others);
  }
  void fail_over(uint64_t epoch = 2) {
    const Node b_node = b.node();
    b.have_role(nullptr);
    a.have_role(&b_node);
    for (auto& sentinel : sentinels) name(sentinel, b, epoch);
  }
  /// @param count of the sentinels that the URL names.
  std::string url(size_t count = 3, const std::string& query = {}) const {
    std::string hosts;
    for (size_t i = 0; i < count; ++i) hosts += (i == 0 ? "" : ",") + sentinels[i].node().text();
    return "redis+sentinel://" + hosts + "/m" + query;
  }
  void start(const std::string& with_url) {
    ConnectionOptions options = quick_options(with_url);
    group = sentinels_of(loop.loop(), options.endpoint, "test", &log);
    options.sentinels = group;
    link = std::make_unique<Connection>(loop.loop(), options, &listener);
    link->start();
  }
  bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 5s) {
    return loop.run_until(
        [&] {
          for (auto& sentinel : sentinels) sentinel.serve();
          a.serve();
          b.serve();
          return condition();
        },
        limit);
  }
  bool run_until_at(const FakeServer& server, std::chrono::milliseconds limit = 5s) {
    return run_until([&] { return link->ready() && is_at(server); }, limit);
  }
  bool is_at(const FakeServer& server) const { return link->server().port == server.node().port; }
  /// Until every sentinel was asked after it had been subscribed to.
  bool watch() {
    group->watch();
    return run_until([&] {
      for (const auto& sentinel : sentinels)
        if (!sentinel.has_subscribers() || sentinel.heard("SENTINEL") == 0) return false;
      return true;
    });
  }
  /// Until the sentinels' last answer is not used again.
  void outlive_answer() {
    const MonoTime begun = mono_now();
    run_until([&] { return mono_now() - begun > 150ms; });
  }
  void publish_switch(FakeServer& sentinel) {
    sentinel.publish("+switch-master", "m " + a.node().text() + " " + b.node().text());
  }
};

}  // namespace

TEST_CASE("a connection finds the primary, and names its server") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  CHECK(stage.link->server().address() == "redis://" + stage.a.node().text() + "/0");
  CHECK(stage.listener.downs.empty());
  CHECK(stage.sentinels[1].accepted() == 0);  // one was enough
  Receiver receiver;
  stage.a.say("GET", "+value\r\n");
  REQUIRE(stage.link->send(Command("GET", "k"), receiver.to()).ok());
  CHECK(stage.run_until([&] { return receiver.answers == std::vector<std::string>{"value"}; }));
}

TEST_CASE("without a group of its own a connection finds the primary, too, and no cluster") {
  Stage stage;
  RecordingListener listener;
  Connection alone(stage.loop.loop(), quick_options(stage.url()), &listener);
  alone.start();
  CHECK(stage.run_until([&] { return alone.ready(); }));
  Connection cluster(stage.loop.loop(), quick_options("redis+cluster://127.0.0.1"), &listener);
  cluster.start();
  CHECK(stage.run_until([&] { return listener.saw("cannot use a cluster"); }));
}

TEST_CASE("sentinels that are down, know nothing, or answer nonsense are passed over") {
  Stage stage;
  SECTION("down") { stage.sentinels[0].close_down(); }
  SECTION("it does not know the name") { stage.sentinels[0].say("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*-1\r\n"); }
  SECTION("nonsense") { stage.sentinels[0].say("SENTINEL GET-MASTER-ADDR-BY-NAME m", ":7\r\n"); }
  SECTION("no sentinel") { stage.sentinels[0].say("SENTINEL GET-MASTER-ADDR-BY-NAME m", "-ERR unknown command\r\n"); }
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  CHECK(stage.listener.downs.empty());
}

TEST_CASE("a sentinel that hangs costs a quarter of a second, and is asked last from then on") {
  Stage stage;
  stage.sentinels[0].hang(true);
  const MonoTime begun = mono_now();
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  CHECK(mono_now() - begun >= 240ms);
  CHECK(mono_now() - begun < 900ms);
  stage.a.hang_up();
  REQUIRE(stage.run_until([&] { return stage.link->generation() == 2; }));
  CHECK(stage.sentinels[2].accepted() == 0);
}

TEST_CASE("a sentinel that names a replica is not believed: the next one is asked") {
  Stage stage;
  stage.name(stage.sentinels[0], stage.b, 1);
  const Node nobody{"127.0.0.1", 1};
  stage.b.have_role(&nobody);
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  CHECK(stage.listener.saw("this Redis is a replica; expected the primary"));
}

TEST_CASE("where no sentinel helps, the error says what each said, and no password") {
  Stage stage;
  stage.sentinels[0].close_down();
  stage.sentinels[1].say("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*-1\r\n");
  stage.sentinels[2].say("AUTH", "-WRONGPASS invalid username-password pair\r\n");
  stage.sentinels[1].say("AUTH", "+OK\r\n");
  stage.start(stage.url(3, "?sentinel_user=watcher&sentinel_password=hunter2"));
  REQUIRE(stage.run_until([&] { return !stage.listener.downs.empty(); }));
  const std::string& why = stage.listener.downs[0].message;
  INFO(why);
  CHECK(why.find("no sentinel tells who the primary is") != std::string::npos);
  CHECK(why.find("sentinel " + stage.sentinels[0].node().text() + ": cannot connect") != std::string::npos);
  CHECK(why.find("sentinel " + stage.sentinels[1].node().text() + ": it does not know 'm'") != std::string::npos);
  CHECK(why.find("sentinel " + stage.sentinels[2].node().text() + ": Redis: WRONGPASS") != std::string::npos);
  CHECK(why.find("hunter2") == std::string::npos);
  CHECK(why.find("watcher") == std::string::npos);
}

TEST_CASE("links that seek together ask once, and sentinels are asked twice a second at most") {
  Stage stage;
  stage.start(stage.url());
  std::vector<std::unique_ptr<Connection>> links;
  ConnectionOptions options = quick_options(stage.url());
  options.sentinels = stage.group;
  for (int i = 0; i < 20; ++i) {
    links.push_back(std::make_unique<Connection>(stage.loop.loop(), options, nullptr));
    links.back()->start();
  }
  REQUIRE(stage.run_until(
      [&] { return std::all_of(links.begin(), links.end(), [](const auto& link) { return link->ready(); }); }));
  CHECK(stage.sentinels[0].heard("SENTINEL") == kStatementCommands);
  stage.a.close_down();
  const MonoTime lost = mono_now();
  REQUIRE(stage.run_until([&] { return mono_now() - lost > 2s; }));
  size_t asked = 0;
  for (const auto& sentinel : stage.sentinels) asked += sentinel.heard("SENTINEL");
  CHECK(asked <= 7 * kStatementCommands);
}

TEST_CASE("the sentinels' password comes from a file, read for each question") {
  Stage stage;
  char path_made[] = "/tmp/mas-unit-XXXXXX";
  close(mkstemp(path_made));
  const std::string path = path_made;
  auto write = [&path](const std::string& text) {
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), 0600) == 0);
  };
  for (auto& sentinel : stage.sentinels) {
    sentinel.say("AUTH old", "-WRONGPASS invalid\r\n");
    sentinel.say("AUTH new", "+OK\r\n");
  }
  write("old\n");
  stage.start(stage.url(3, "?sentinel_password_file=" + path));
  REQUIRE(stage.run_until([&] { return stage.listener.saw("WRONGPASS"); }));
  write("new\n");
  CHECK(stage.run_until_at(stage.a));
  std::remove(path.c_str());
}

TEST_CASE("sentinels are learned, and asked when the configured one is gone") {
  Stage stage;
  stage.start(stage.url(1));
  REQUIRE(stage.run_until_at(stage.a));
  stage.sentinels[0].close_down();
  stage.outlive_answer();
  stage.a.hang_up();
  REQUIRE(stage.run_until([&] { return stage.link->generation() == 2; }));
  CHECK(stage.sentinels[1].accepted() + stage.sentinels[2].accepted() > 0);
}

TEST_CASE("links follow a switch at once, whatever they are doing") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  SECTION("ready") {}
  SECTION("waiting before the next attempt") {
    stage.a.close_down();
    REQUIRE(stage.run_until([&] { return stage.listener.downs.size() > 5; }));
  }
  SECTION("in the middle of an attempt") {
    stage.a.hang(true);
    stage.a.hang_up();
    REQUIRE(stage.run_until([&] { return stage.link->state() == LinkState::kGreeting; }));
  }
  stage.fail_over();
  stage.publish_switch(stage.sentinels[2]);
  REQUIRE(stage.run_until_at(stage.b, 500ms));
  CHECK(stage.log.switches == std::vector<std::string>{stage.a.node().text() + " > " + stage.b.node().text() + " by " +
                                                       stage.sentinels[2].node().text()});
}

TEST_CASE("all links of a group follow, also those that listen") {
  Stage stage;
  stage.start(stage.url());
  struct Ears final : SubscriberListener {
    int subscribed = 0;
    void on_message(std::string_view, std::string_view) override {}
    void on_oversized(std::string_view, uint64_t) override {}
    void on_subscribed(std::string_view) override { ++subscribed; }
    void on_subscriber_down(const Error&, unsigned) override {}
    void on_subscriber_error(const Error&) override {}
  } ears;
  ConnectionOptions options = quick_options(stage.url());
  options.sentinels = stage.group;
  Subscriber subscriber(stage.loop.loop(), options, ears, 1000);
  subscriber.subscribe("channel");
  subscriber.start();
  REQUIRE(stage.run_until([&] { return ears.subscribed == 1; }));
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  stage.fail_over();
  stage.publish_switch(stage.sentinels[0]);
  CHECK(stage.run_until([&] { return ears.subscribed == 2 && stage.b.has_subscribers(); }, 1s));
  CHECK_FALSE(stage.a.has_subscribers());
  CHECK(stage.a.connected() == 0);
}

TEST_CASE("a switch that was missed is noticed when a sentinel is heard again") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  stage.fail_over();
  for (auto& sentinel : stage.sentinels) sentinel.hang_up();
  CHECK(stage.run_until_at(stage.b));
  CHECK(stage.log.lost == 1);
  CHECK(stage.log.heard == 2);
}

TEST_CASE("a sentinel whose configuration is older is not followed") {
  Stage stage;
  for (auto& sentinel : stage.sentinels) stage.name(sentinel, stage.a, 5);
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  stage.name(stage.sentinels[1], stage.b, 4);
  const size_t asked = stage.sentinels[1].heard("SENTINEL");
  stage.publish_switch(stage.sentinels[1]);
  REQUIRE(stage.run_until([&] { return stage.sentinels[1].heard("SENTINEL") > asked; }));
  CHECK_FALSE(stage.run_until([&] { return !stage.link->ready() || stage.link->generation() != 1; }, 300ms));
}

TEST_CASE("epochs that began anew are followed with the majority of the sentinels") {
  Stage stage;
  for (auto& sentinel : stage.sentinels) stage.name(sentinel, stage.a, 5);
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  stage.fail_over(0);
  stage.publish_switch(stage.sentinels[1]);
  CHECK(stage.run_until_at(stage.b));
}

TEST_CASE("without any sentinel links are kept, and a lost one goes to the primary that served last") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  for (auto& sentinel : stage.sentinels) sentinel.close_down();
  REQUIRE(stage.run_until([&] { return stage.log.lost == 1; }));
  CHECK(stage.link->generation() == 1);
  stage.a.hang_up();
  REQUIRE(stage.run_until([&] { return stage.link->generation() == 2; }));
  CHECK(stage.is_at(stage.a));
  const Node b = stage.b.node();
  stage.a.have_role(&b);  // and not when it is a replica now
  stage.a.hang_up();
  REQUIRE(stage.run_until([&] { return stage.listener.saw("this Redis is a replica"); }));
}

TEST_CASE("a sentinel that contradicts keeps a lost link from the primary that served last") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  stage.sentinels[1].close_down();
  stage.sentinels[2].close_down();
  stage.sentinels[0].say("SENTINEL GET-MASTER-ADDR-BY-NAME m", "*-1\r\n");
  stage.outlive_answer();
  stage.a.hang_up();
  REQUIRE(stage.run_until([&] { return stage.listener.saw("does not know 'm'"); }));
  CHECK_FALSE(stage.link->ready());
}

TEST_CASE("a fail-over that the sentinels do not know of is followed, and not gone back on") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  const Node b = stage.b.node();
  stage.b.have_role(nullptr);
  stage.a.have_role(&b);
  stage.link->ask_role();
  REQUIRE(stage.run_until_at(stage.b, 2s));
  const size_t asked = stage.sentinels[0].heard("SENTINEL");
  stage.sentinels[0].publish("+sentinel", "sentinel x 127.0.0.1 1 @ m 127.0.0.1 1");  // asked again
  REQUIRE(stage.run_until([&] { return stage.sentinels[0].heard("SENTINEL") > asked; }));
  CHECK_FALSE(stage.run_until([&] { return !stage.link->ready() || !stage.is_at(stage.b); }, 300ms));
}

TEST_CASE("a primary that is named and cannot be reached is announced once, and tried ever less often") {
  Stage stage;
  stage.start(stage.url());
  REQUIRE(stage.run_until_at(stage.a));
  REQUIRE(stage.watch());
  stage.fail_over();
  stage.b.close_down();
  stage.publish_switch(stage.sentinels[0]);
  REQUIRE(stage.run_until([&] { return !stage.log.switches.empty(); }));
  const MonoTime begun = mono_now();
  stage.run_until([&] { return mono_now() - begun > 1800ms; });  // in which the sentinels are asked several times
  CHECK(stage.log.switches.size() == 1);
  REQUIRE(stage.listener.attempts.size() >= 4);
  CHECK(std::is_sorted(stage.listener.attempts.begin() + 1, stage.listener.attempts.end()));
}

namespace {

struct Seeker final : SentinelLink {
  std::vector<Node> told, moved;
  void on_primary(const Found& found) override { told.push_back(found.naming.server); }
  void on_no_primary(const Error&) override { told.emplace_back(); }
  void on_primary_moved(const Node& server) override { moved.push_back(server); }
};

}  // namespace

TEST_CASE(
    "a link that waits for the sentinels is answered, also where a replica has named the same primary meanwhile") {
  Stage stage;
  stage.fail_over(1);
  auto group = sentinels_of(stage.loop.loop(), *parse_url(stage.url()), "test");
  Seeker seeker;
  group->attach(seeker);
  const Found old{{stage.a.node(), 1}, {}, {}, false};
  group->confirm(old);
  stage.outlive_answer();
  group->find(seeker);
  group->reject(old, stage.b.node());
  CHECK(stage.run_until([&] { return !seeker.told.empty(); }));
  CHECK(seeker.told == std::vector<Node>{stage.b.node()});
  CHECK(seeker.moved == std::vector<Node>{stage.b.node()});
  group->detach(seeker);
}

TEST_CASE("a group may end in the middle of everything") {
  Stage stage;
  stage.sentinels[1].hang(true);
  stage.start(stage.url());
  SECTION("while it asks") {}
  SECTION("while it asks and listens") { stage.group->watch(); }
  SECTION("while a link is stopped") { stage.link->stop(); }
  SECTION("with a link") {
    REQUIRE(stage.run_until_at(stage.a));
    stage.group->watch();
  }
}
