// Walks over the keys of a cluster while slots move, a daemon's and masctl's: the nodes are played by the test.
#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "daemons/common/key_scan.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "tests/lib/loop_fixture.h"
#include "tests/redis/client.h"
#include "tests/redis/fake_node.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

using Words = FakeNode::Words;

constexpr int kLast = static_cast<int>(kHashSlots) - 1;

struct Walker final : common::KeyScanReceiver {
  std::vector<std::string> seen;
  std::optional<Status> ended;
  common::KeyScanOp* walk = nullptr;

  void on_scan_page(const std::vector<std::string_view>& names) override {
    seen.insert(seen.end(), names.begin(), names.end());
    walk->next();
  }
  void on_scan_left_out(const Error&) override {}
  void on_scan_end(const Status& status) override { ended = status; }
};

/// Two primaries with one key each; what they say of their slots is counted.
struct Stage {
  Stage() {
    a.map = b.map = map_of({{a.address(), 0, 99}, {b.address(), 100, kLast}});
    a.answer = [this](const Words& words) { return answer(words, "agent:{a}", slots_of_a, asked_of_a); };
    b.answer = [this](const Words& words) { return answer(words, "agent:{b}", slots_of_b, asked_of_b); };
    client.emplace(loop.loop(), quick_options("redis+cluster://" + a.address().text()), nullptr, nullptr);
    client->cluster()->connect_all();
    client->start();
    until([this] { return client->ready(); });
    walk.emplace(loop.loop(), *client, walker);
    walker.walk = &*walk;
  }
  static std::string answer(const Words& words, const std::string& key, const std::vector<std::string>& slots,
                            size_t& ret_asked) {
    if (words[0] != "CLUSTER") return "*2\r\n$1\r\n0\r\n*1\r\n" + resp_text(key);
    const std::string& now = slots[std::min(ret_asked++, slots.size() - 1)];
    return resp_text("id 127.0.0.1:1@2 master - 0 1 1 connected 7\nid 127.0.0.1:3@4 myself,master - 0 0 2 connected" +
                     (now.empty() ? "" : " " + now) + "\n");
  }
  void until(const std::function<bool()>& condition) {
    REQUIRE(loop.run_until([&] {
      a.serve();
      b.serve();
      return condition();
    }));
  }
  Status walk_all() {
    walk->walk_keys("agent:*", "hash", common::KeyScanOp::Pace::kQuick);
    until([this] { return walker.ended.has_value(); });
    return *walker.ended;
  }

  LoopFixture loop;
  FakeNode a, b;
  std::vector<std::string> slots_of_a{"0-99"}, slots_of_b{"100-16383"};  // by question; the last one stays
  size_t asked_of_a = 0, asked_of_b = 0;
  Walker walker;
  std::optional<Client> client;
  std::optional<common::KeyScanOp> walk;
};

}  // namespace

TEST_CASE("a walk goes over every primary, which says before and after it what it serves") {
  Stage stage;
  CHECK(stage.walk_all().ok());
  std::ranges::sort(stage.walker.seen);  // primaries are walked over by their ports
  CHECK(stage.walker.seen == std::vector<std::string>{"agent:{a}", "agent:{b}"});
  CHECK(stage.asked_of_a == 2);
  CHECK(stage.asked_of_b == 2);
}

TEST_CASE("a walk begins again where slots were moved meanwhile, though no command was redirected") {
  Stage stage;
  stage.slots_of_a = {"0-99", "0-100"};
  stage.slots_of_b = {"100-16383", "101-16383"};
  CHECK(stage.walk_all().ok());
  std::ranges::sort(stage.walker.seen);
  CHECK(stage.walker.seen == std::vector<std::string>{"agent:{a}", "agent:{a}", "agent:{b}", "agent:{b}"});
}

TEST_CASE("a walk ends without success while slots are being moved") {
  Stage stage;
  stage.slots_of_b = {"100-16383 [100->-0123456789abcdef]"};
  const Status status = stage.walk_all();
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Errc::kUnavailable);
  CHECK(status.error().message == "SCAN agent:*: slots of the cluster are moving");
  CHECK(stage.walker.seen.size() == 6);
}

TEST_CASE("a walk ends without success where a primary of the map says that it serves nothing") {
  Stage stage;
  stage.slots_of_b = {""};
  CHECK_FALSE(stage.walk_all().ok());
}

TEST_CASE("a walk whose question is refused fails, and the next one is made anew") {
  Stage stage;
  const auto serve = stage.b.answer;
  stage.b.answer = [](const Words&) { return std::string("-NOPERM no permissions to run 'cluster|nodes'\r\n"); };
  const Status refused = stage.walk_all();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("SCAN agent:*: CLUSTER NODES: ") == 0);
  stage.b.answer = serve;
  stage.walker.ended.reset();
  CHECK(stage.walk_all().ok());
}

TEST_CASE("a walk ends without success where the primaries that are known do not serve every slot") {
  Stage stage;
  stage.slots_of_a = {"0-50"};  // 51-99 are at a node that the map does not have yet
  const Status status = stage.walk_all();
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Errc::kUnavailable);
  CHECK(stage.walker.seen.size() == 6);
}

namespace {

/// masctl blocks: the nodes are served from a thread meanwhile.
template <typename Call>
auto served(Stage& stage, Call call) {
  std::atomic<bool> done = false;
  std::thread nodes([&] {
    while (!done) {
      stage.a.serve();
      stage.b.serve();
      std::this_thread::sleep_for(1ms);
    }
  });
  auto result = call();
  done = true;
  nodes.join();
  return result;
}

struct MasctlWalk {
  explicit MasctlWalk(const Node& seed) { settings.endpoint = *parse_url("redis+cluster://" + seed.text()); }
  Status run() {
    ctl::SyncRedis redis(settings);
    return ctl::each_key_page(
        redis, "agent:*", {},
        [this](const std::vector<ctl::Value>& names) {
          for (const auto& name : names) seen.push_back(name.text);
          return seen.size() < stop_at;
        },
        [this] { ++again; });
  }
  ctl::Settings settings;
  std::vector<std::string> seen;
  size_t stop_at = SIZE_MAX;
  int again = 0;
};

}  // namespace

TEST_CASE("masctl's walk asks every primary for its slots before and after") {
  Stage stage;
  MasctlWalk walk(stage.a.address());
  CHECK(served(stage, [&] { return walk.run(); }).ok());
  CHECK(walk.seen.size() == 2);
  CHECK(walk.again == 0);
  CHECK(stage.asked_of_a == 2);
  CHECK(stage.asked_of_b == 2);
}

TEST_CASE("masctl's walk begins again where slots were moved meanwhile, and says that it does") {
  Stage stage;
  stage.slots_of_a = {"0-99", "0-100"};
  stage.slots_of_b = {"100-16383", "101-16383"};
  MasctlWalk walk(stage.a.address());
  CHECK(served(stage, [&] { return walk.run(); }).ok());
  std::ranges::sort(walk.seen);
  CHECK(walk.seen == std::vector<std::string>{"agent:{a}", "agent:{a}", "agent:{b}", "agent:{b}"});
  CHECK(walk.again == 1);
}

TEST_CASE("masctl's walk fails while slots are being moved, unless it ends before") {
  Stage stage;
  stage.slots_of_b = {"100-16383 [100->-0123456789abcdef]"};
  MasctlWalk walk(stage.a.address()), short_one(stage.a.address());
  const Status status = served(stage, [&] { return walk.run(); });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == Errc::kUnavailable);
  CHECK(status.error().message == "slots of the cluster are moving");
  CHECK(walk.seen.size() == 6);
  short_one.stop_at = 1;
  CHECK(served(stage, [&] { return short_one.run(); }).ok());
  CHECK(short_one.seen.size() == 1);
}
