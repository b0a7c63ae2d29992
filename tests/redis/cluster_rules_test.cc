// What a cluster link does when nodes redirect, fail, or change their map: the nodes are played by the test.
#include <algorithm>
#include <optional>
#include <thread>

#include "proto/redis/cluster/cluster_link.h"
#include "tests/lib/loop_fixture.h"
#include "tests/redis/client.h"
#include "tests/redis/fake_node.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

using Words = FakeNode::Words;

constexpr int kLast = static_cast<int>(kHashSlots) - 1;
const unsigned kSlot = hash_slot("{bob}");

struct Watcher final : ClusterListener {
  int maps = 0;
  std::vector<Node> ready, down;
  std::vector<std::string> troubles;

  void on_map(const SlotMap&) override { ++maps; }
  void on_node_ready(const Node& node, bool) override { ready.push_back(node); }
  void on_node_down(const Node& node, const Error&, unsigned) override { down.push_back(node); }
  void on_map_trouble(const Error& why) override { troubles.push_back(why.message); }
};

/// Two nodes, `a` with all slots, and a link whose seed is `a`.
class Stage {
 public:
  Stage() { both(map_of({{a.address(), 0, kLast}})); }

  void begin(std::vector<Node> seeds = {}) {
    ClusterOptions options;
    options.node = quick_options("redis+cluster://" + a.address().text());
    if (!seeds.empty()) options.node.endpoint.nodes = std::move(seeds);
    options.least_between = 10ms;
    link.emplace(loop_.loop(), options, &watcher);
    link->start();
  }
  void until(const std::function<bool()>& condition) {
    REQUIRE(loop_.run_until([&] {
      a.serve();
      b.serve();
      return condition();
    }));
  }
  void both(const std::string& map) { a.map = b.map = map; }
  void connect() {
    begin();
    link->connect(kSlot);
    until([&] { return link->ready(kSlot); });
  }
  std::string moved_to(const FakeNode& node) const {
    return "-MOVED " + std::to_string(kSlot) + " " + node.address().text() + "\r\n";
  }
  /// Sends a command and waits for its answer.
  std::string ask(const Command& command, Duration timeout = {}) {
    receiver.answers.clear();
    REQUIRE(link->send(command, receiver.to(), timeout).ok());
    until([&] { return receiver.answers.size() == command.count(); });
    return receiver.answers.back();
  }

 private:
  LoopFixture loop_;

 public:
  FakeNode a, b;
  Watcher watcher;
  Receiver receiver;
  std::optional<ClusterLink> link;
};

std::string echo(const Words& words) { return "+" + words.back() + "\r\n"; }

/// The last words of all commands of a name that a node has heard.
std::vector<std::string> last_words(const FakeNode& node, std::string_view name) {
  std::vector<std::string> found;
  for (const Words& words : node.heard)
    if (words[0] == name) found.push_back(words.back());
  return found;
}

}  // namespace

TEST_CASE("MOVED: the command goes to the node that is named, and so does what follows") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words&) { return stage.moved_to(stage.b); };
  stage.b.answer = echo;
  stage.both(map_of({{stage.b.address(), 0, kLast}}));
  CHECK(stage.ask(Command("SET", "{bob}", "1")) == "1");
  CHECK(stage.ask(Command("SET", "{bob}", "2")) == "2");
  CHECK(last_words(stage.a, "SET") == std::vector<std::string>{"1"});
  // The connection for commands is let go; the one that asks for the map may be at any node.
  stage.until([&] { return stage.a.maps_told + stage.b.maps_told >= 2 && stage.a.peers() <= 1; });
}

TEST_CASE("MOVED: commands under way arrive in the order of their calls, each once, also those of later calls") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words&) { return stage.moved_to(stage.b); };
  stage.b.answer = echo;
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back(std::to_string(i));
    REQUIRE(stage.link->send(Command("RPUSH", "{bob}", i), stage.receiver.to()).ok());
  }
  for (int i = 20; i < 40; i += 2) {  // runs of two commands, some of them called while the others come back
    stage.until([&] { return stage.a.heard.size() >= 20; });
    sent.push_back(std::to_string(i));
    sent.push_back(std::to_string(i + 1));
    REQUIRE(stage.link->send(Command("RPUSH", "{bob}", i).add("RPUSH", "{bob}", i + 1), stage.receiver.to()).ok());
  }
  stage.until([&] { return stage.receiver.answers.size() == sent.size(); });
  CHECK(last_words(stage.b, "RPUSH") == sent);
  CHECK(stage.receiver.answers == sent);
}

TEST_CASE("MOVED counts for more than the map of a node that has not heard of it yet") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words&) { return stage.moved_to(stage.b); };
  stage.b.answer = echo;
  CHECK(stage.ask(Command("SET", "{bob}", "1")) == "1");
  const int told = stage.a.maps_told + stage.b.maps_told;
  stage.until([&] { return stage.a.maps_told + stage.b.maps_told > told; });
  CHECK(stage.ask(Command("SET", "{bob}", "2")) == "2");
  CHECK(last_words(stage.a, "SET") == std::vector<std::string>{"1"});
}

TEST_CASE("nodes that point at each other are asked again, less and less often, until one serves") {
  Stage stage;
  stage.connect();
  const auto settled = std::chrono::steady_clock::now() + 500ms;
  stage.a.answer = [&](const Words&) { return stage.moved_to(stage.b); };
  stage.b.answer = [&](const Words& words) {
    return std::chrono::steady_clock::now() < settled ? stage.moved_to(stage.a) : echo(words);
  };
  CHECK(stage.ask(Command("SET", "{bob}", "1")) == "1");
  CHECK(stage.a.heard.size() + stage.b.heard.size() > kMaxRedirects + 1);
  CHECK(stage.a.heard.size() + stage.b.heard.size() < 100);
}

TEST_CASE("ASK and TRYAGAIN in turn: the command is served once its keys are together, however often it was asked") {
  Stage stage;
  stage.connect();
  const auto together = std::chrono::steady_clock::now() + 800ms;
  size_t tried = 0;
  stage.a.answer = [&](const Words&) { return "-ASK" + stage.moved_to(stage.b).substr(6); };
  stage.b.answer = [&](const Words& words) {
    if (words[0] == "ASKING") return std::string("+OK\r\n");
    ++tried;
    return std::chrono::steady_clock::now() < together ? std::string("-TRYAGAIN Multiple keys\r\n") : echo(words);
  };
  CHECK(stage.ask(Command("EXISTS", "{bob}a", "{bob}b")) == "{bob}b");
  CHECK(tried > 1);
}

TEST_CASE("nodes that point at each other without end refuse the command when its time is over") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words&) { return stage.moved_to(stage.b); };
  stage.b.answer = [&](const Words&) { return stage.moved_to(stage.a); };
  const std::string answer = stage.ask(Command("GET", "{bob}"));  // whether it waits just then, or not
  CHECK((answer == "!refused" || answer.starts_with("-MOVED")));
  CHECK(stage.a.heard.size() + stage.b.heard.size() < 200);
}

TEST_CASE("ASK: the command goes to the node that is named this time only, after ASKING") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words&) {
    return "-ASK " + std::to_string(kSlot) + " " + stage.b.address().text() + "\r\n";
  };
  stage.b.answer = echo;
  CHECK(stage.ask(Command("SET", "{bob}", "1")) == "1");
  CHECK(stage.b.heard == std::vector<Words>{{"ASKING"}, {"SET", "{bob}", "1"}});
  stage.a.answer = echo;
  CHECK(stage.ask(Command("SET", "{bob}", "2")) == "2");
  CHECK(stage.b.heard.size() == 2);
}

TEST_CASE("a node outside the map may take its time to connect while commands wait for it, and is let go later") {
  Stage stage;
  stage.connect();
  stage.b.slow = 100ms;
  stage.b.answer = echo;
  SECTION("named by ASK") {
    stage.a.answer = [&](const Words&) {
      return "-ASK " + std::to_string(kSlot) + " " + stage.b.address().text() + "\r\n";
    };
    CHECK(stage.ask(Command("SET", "{bob}", "1"), 2s) == "1");
  }
  SECTION("asked by send_to()") {
    REQUIRE(stage.link->send_to(stage.b.address(), Command("ECHO", "1"), stage.receiver.to(), 2s).ok());
    stage.until([&] { return !stage.receiver.answers.empty(); });
    CHECK(stage.receiver.answers == std::vector<std::string>{"1"});
  }
  stage.until([&] { return stage.b.peers() == 0; });
}

TEST_CASE("ASK: a transaction that was refused goes there as a whole") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words& words) {
    if (words[0] == "MULTI") return std::string("+OK\r\n");
    if (words[0] == "EXEC") return std::string("-EXECABORT Transaction discarded because of previous errors.\r\n");
    return "-ASK " + std::to_string(kSlot) + " " + stage.b.address().text() + "\r\n";
  };
  stage.b.answer = [&](const Words& words) {
    return words[0] == "EXEC" ? std::string("*2\r\n:1\r\n:1\r\n") : std::string("+OK\r\n");
  };
  const Command body = Command("HSET", "{bob}", "a", 1).add("HSET", "{bob}", "b", 2);
  REQUIRE(stage.link->transaction(body, stage.receiver.to(7)).ok());
  stage.until([&] { return !stage.receiver.answers.empty(); });
  CHECK(stage.receiver.answers == std::vector<std::string>{"[2]"});
  CHECK(stage.receiver.tags == std::vector<uint64_t>{7});
  REQUIRE(stage.b.heard.size() == 5);
  CHECK(stage.b.heard[0] == Words{"ASKING"});
  CHECK(stage.b.heard[1] == Words{"MULTI"});
  CHECK(stage.b.heard[4] == Words{"EXEC"});
}

TEST_CASE("of a run only the commands that were not executed are sent again") {
  Stage stage;
  stage.connect();
  stage.a.answer = [&](const Words& words) { return words[1] == "{bob}2" ? stage.moved_to(stage.b) : echo(words); };
  stage.b.answer = echo;
  Command run("SET", "{bob}1", "one");
  run.add("SET", "{bob}2", "two").add("SET", "{bob}3", "three");
  REQUIRE(stage.link->send(run, stage.receiver.to(10)).ok());
  stage.until([&] { return stage.receiver.answers.size() == 3; });
  CHECK(stage.receiver.answers == std::vector<std::string>{"one", "three", "two"});
  CHECK(stage.receiver.tags == std::vector<uint64_t>{10, 12, 11});
  CHECK(last_words(stage.b, "SET") == std::vector<std::string>{"two"});
}

TEST_CASE("TRYAGAIN and CLUSTERDOWN: the command is tried again after a while, until its time is over") {
  for (std::string why : {"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
                          "-CLUSTERDOWN The cluster is down\r\n", "-LOADING Redis is loading\r\n"}) {
    INFO(why);
    Stage stage;
    stage.connect();
    int refused = 0;
    stage.a.answer = [&](const Words& words) { return ++refused <= 3 ? why : echo(words); };
    CHECK(stage.ask(Command("SET", "{bob}", "1")) == "1");
    CHECK(stage.a.heard.size() == 4);
    stage.a.answer = [&](const Words&) { return why; };
    const std::string end = stage.ask(Command("SET", "{bob}", "2"), 150ms);
    CHECK((end == "!unavailable" || end + "\r\n" == why));  // the same error, whether it came last or waited last
  }
}

TEST_CASE("what a node may have executed is not sent again") {
  Stage stage;
  stage.connect();
  stage.a.answer = [](const Words&) { return std::string(); };
  REQUIRE(stage.link->send(Command("INCR", "{bob}"), stage.receiver.to()).ok());
  stage.until([&] { return stage.a.heard.size() == 1; });
  stage.a.hang_up();
  stage.until([&] { return stage.receiver.answers.size() == 1; });
  CHECK(stage.receiver.answers[0] == "!connection lost");
  stage.a.answer = echo;
  CHECK(stage.ask(Command("GET", "{bob}")) == "{bob}");
  CHECK(last_words(stage.a, "INCR").size() == 1);
}

TEST_CASE("what was not sent goes to the node that the next map names; the node that is gone is let go") {
  Stage stage;
  stage.begin({stage.b.address()});
  stage.link->connect(kSlot);
  stage.until([&] { return stage.link->ready(kSlot); });
  stage.a.stop();
  stage.until([&] { return !stage.watcher.down.empty(); });
  stage.b.answer = echo;
  REQUIRE(stage.link->send(Command("SET", "{bob}", "1").add("SET", "{bob}", "2"), stage.receiver.to(), 5s).ok());
  stage.until([&] { return stage.b.maps_told >= 3; });  // asked again and again, since the node does not answer
  CHECK(stage.receiver.answers.empty());
  stage.both(map_of({{stage.b.address(), 0, kLast}}));
  stage.until([&] { return stage.receiver.answers.size() == 2; });
  CHECK(stage.receiver.answers == std::vector<std::string>{"1", "2"});
  const size_t downs = stage.watcher.down.size();
  stage.a.start();
  CHECK(stage.ask(Command("SET", "{bob}", "3")) == "3");
  stage.until([&] { return stage.a.peers() <= 1; });  // nobody but, perhaps, who asks for the map
  CHECK(stage.watcher.down.size() == downs);
}

TEST_CASE("a node without a map, or that is none, is told, and the next one is asked") {
  for (const char* answer : {"-ERR This instance has cluster support disabled\r\n", "*0\r\n", "+OK\r\n"}) {
    Stage stage;
    stage.a.map = answer;
    stage.b.answer = echo;
    stage.b.map = map_of({{stage.b.address(), 0, kLast}});
    stage.begin({stage.a.address(), stage.b.address()});
    CHECK(stage.ask(Command("SET", "{bob}", "1")) == "1");
    REQUIRE_FALSE(stage.watcher.troubles.empty());
    CHECK(stage.watcher.troubles[0].find(stage.a.address().text()) != std::string::npos);
  }
}

TEST_CASE("a node that does not answer costs little time: the next one is asked for the map") {
  Stage stage;
  stage.a.slow = 10s;
  stage.b.map = map_of({{stage.b.address(), 0, kLast}});
  const MonoTime begun = mono_now();
  stage.begin({stage.a.address(), stage.b.address()});
  stage.until([&] { return !stage.link->map().empty(); });
  CHECK(mono_now() - begun < 1500ms);
}

TEST_CASE("the node that fails is asked for the map last") {
  for (int round = 0; round < 8; ++round) {
    Stage stage;
    stage.both(map_of({{stage.a.address(), 0, 8191}, {stage.b.address(), 8192, kLast}}));
    stage.begin();
    const unsigned slot_of_a = 0;
    stage.link->connect(slot_of_a);
    stage.until([&] { return stage.link->ready(slot_of_a) && stage.watcher.maps == 1; });
    stage.both(map_of({{stage.b.address(), 0, kLast}}));
    stage.a.slow = 10s;
    const MonoTime failed = mono_now();
    stage.a.hang_up();
    stage.until([&] { return stage.watcher.maps == 2; });
    CHECK(mono_now() - failed < 400ms);
  }
}

TEST_CASE("without a node, runs end with their time, and the seeds are asked for ever") {
  Stage stage;
  stage.a.stop();
  stage.begin();
  CHECK(stage.ask(Command("SET", "{bob}", "1"), 100ms) == "!unreachable");
  stage.a.start();
  stage.a.answer = echo;
  CHECK(stage.ask(Command("SET", "{bob}", "2")) == "2");
}

TEST_CASE("keys of several slots: a run is refused, a scatter is not; a run without a key goes to any node") {
  Stage stage;
  stage.both(map_of({{stage.a.address(), 0, 8191}, {stage.b.address(), 8192, kLast}}));
  stage.a.answer = stage.b.answer = echo;
  stage.begin();
  Command both("SET", "{foo}", "a");  // slot 12182
  both.add("SET", "{bar}", "b");      // slot 5061
  Status refused = stage.link->send(both, stage.receiver.to());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::kInvalidArgument);
  CHECK_FALSE(stage.link->transaction(both, stage.receiver.to()).ok());
  REQUIRE(stage.link->scatter(both, stage.receiver.to(5)).ok());
  stage.until([&] { return stage.receiver.answers.size() == 2; });
  for (size_t i = 0; i < 2; ++i) CHECK(stage.receiver.answers[i] == (stage.receiver.tags[i] == 5 ? "a" : "b"));
  CHECK(last_words(stage.a, "SET") == std::vector<std::string>{"b"});
  CHECK(last_words(stage.b, "SET") == std::vector<std::string>{"a"});
  CHECK(stage.ask(Command("PUBLISH", "mas.system", "x")) == "x");
}

TEST_CASE("a stop answers everything; a receiver that is forgotten hears nothing, and its command is still sent") {
  Stage stage;
  stage.connect();
  stage.a.answer = [](const Words&) { return std::string(); };
  REQUIRE(stage.link->send(Command("SET", "{bob}", "1"), stage.receiver.to()).ok());
  Receiver gone;
  REQUIRE(stage.link->send(Command("SET", "{bob}", "2"), gone.to()).ok());
  stage.link->forget(&gone);
  stage.until([&] { return stage.a.heard.size() == 2; });
  stage.a.stop();
  stage.until([&] { return stage.receiver.answers.size() == 1; });
  REQUIRE(stage.link->send(Command("SET", "{bob}", "3").add("SET", "{bob}", "4"), stage.receiver.to()).ok());
  stage.link->stop();
  CHECK(stage.receiver.answers == std::vector<std::string>{"!connection lost", "!cancelled", "!cancelled"});
  CHECK(gone.answers.empty());
  CHECK_FALSE(stage.link->send(Command("PING"), stage.receiver.to()).ok());
  CHECK(stage.link->pending_commands() == 0);
}

namespace {

/// Wants one answer, and then nothing or a stop.
struct Once {
  ClusterLink& link;
  bool stops = false;
  int calls = 0;
  void on_reply(uint64_t, const Answer&) {
    ++calls;
    stops ? link.stop() : link.forget(this);
  }
};

}  // namespace

TEST_CASE("what was abandoned is not sent once a node could take it") {
  Stage stage;
  const int slot = static_cast<int>(kSlot);
  stage.both(map_of({{stage.a.address(), 0, slot - 1}}));  // nobody has the slot for now
  stage.begin();
  stage.until([&] { return stage.watcher.maps == 1; });
  stage.a.answer = echo;
  Receiver gone, stays;
  REQUIRE(stage.link->send(Command("SET", "{bob}", "gone").add("SET", "{bob}", "gone"), gone.to()).ok());
  REQUIRE(stage.link->send(Command("SET", "{bob}", "stays"), stays.to()).ok());
  stage.link->abandon(&gone);
  stage.both(map_of({{stage.a.address(), 0, kLast}}));
  stage.link->refresh();
  stage.until([&] { return stays.answers.size() == 1; });
  CHECK(stays.answers[0] == "stays");
  CHECK(stage.ask(Command("SET", "{bob}", "later")) == "later");
  CHECK(last_words(stage.a, "SET") == std::vector<std::string>{"stays", "later"});
  CHECK(gone.answers.empty());
  stage.until([&] { return stage.link->pending_commands() == 0; });
}

TEST_CASE("what was abandoned while a node had it is not sent on to another") {
  Stage stage;
  stage.connect();
  Receiver gone;
  std::string answer;
  stage.a.answer = [&](const Words&) { return answer; };
  stage.b.answer = echo;
  REQUIRE(stage.link->send(Command("SET", "{bob}", "gone"), gone.to()).ok());
  stage.link->flush();
  stage.link->abandon(&gone);
  answer = stage.moved_to(stage.b);
  stage.both(map_of({{stage.b.address(), 0, kLast}}));
  CHECK(stage.ask(Command("SET", "{bob}", "later")) == "later");
  CHECK(last_words(stage.b, "SET") == std::vector<std::string>{"later"});
  CHECK(gone.answers.empty());
}

TEST_CASE("who is forgotten in the answer to one command hears nothing of the others of its run") {
  Stage stage;
  stage.a.stop();
  stage.begin();
  Once late{*stage.link}, stopped{*stage.link};
  const Command run = Command("SET", "{bob}", "1").add("SET", "{bob}", "2").add("SET", "{bob}", "3");
  REQUIRE(stage.link->send(run, reply_to<&Once::on_reply>(&late), 20ms).ok());
  stage.until([&] { return late.calls > 0; });
  CHECK(late.calls == 1);
  CHECK(stage.link->pending_commands() == 0);
  REQUIRE(stage.link->send(run, reply_to<&Once::on_reply>(&stopped)).ok());
  stage.link->stop();
  CHECK(stopped.calls == 1);
  CHECK(stage.link->pending_commands() == 0);
}

TEST_CASE("a stop in the answer to a run that is late answers everything before it returns") {
  Stage stage;
  stage.a.stop();
  stage.begin();
  Once stopper{*stage.link, true};
  Receiver forgotten;
  REQUIRE(stage.link->send(Command("GET", "{bob}"), reply_to<&Once::on_reply>(&stopper), 20ms).ok());
  REQUIRE(stage.link->send(Command("GET", "{bob}"), stage.receiver.to(), 20ms).ok());
  REQUIRE(stage.link->send(Command("GET", "{bob}"), stage.receiver.to()).ok());
  REQUIRE(stage.link->send(Command("GET", "{amy}"), forgotten.to()).ok());
  stage.link->forget(&forgotten);
  std::this_thread::sleep_for(40ms);  // both are late when the link first looks
  stage.until([&] { return stopper.calls > 0; });
  CHECK(stopper.calls == 1);
  CHECK(stage.receiver.answers == std::vector<std::string>{"!unreachable", "!cancelled"});
  CHECK(forgotten.answers.empty());
  CHECK(stage.link->pending_commands() == 0);
}

TEST_CASE("the queue is bounded") {
  Stage stage;
  ClusterOptions options;
  options.node = quick_options("redis+cluster://" + stage.a.address().text());
  options.node.max_pending_commands = 2;
  LoopFixture loop;
  ClusterLink link(loop.loop(), options, nullptr);
  link.start();
  REQUIRE(link.send(Command("SET", "{bob}", "1").add("PING"), stage.receiver.to()).ok());
  Status full = link.send(Command("PING"), stage.receiver.to());
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code == Errc::kWouldBlock);
}
