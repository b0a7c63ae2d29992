// A cluster link on a real cluster of three primaries and three replicas: slots that move, primaries that go.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "proto/redis/cluster/cluster_link.h"
#include "proto/redis/cluster/cluster_subscriber.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_cluster.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

/// Shared by the tests that leave it whole. No node fails over because the machine is busy.
RedisCluster& cluster() {
  static RedisCluster made({"--cluster-node-timeout", "30000"});
  return made;
}

constexpr auto kPatience = std::chrono::seconds(60);

class Stage {
 public:
  explicit Stage(RedisCluster& cluster) {
    ClusterOptions options;
    options.node = quick_options(cluster.url());
    options.node.command_timeout = 20s;
    link.emplace(loop_.loop(), options, nullptr);
    link->start();
  }
  void until(const std::function<bool()>& condition) { REQUIRE(loop_.run_until(condition, kPatience)); }
  std::string ask(const Command& command) {
    receiver.answers.clear();
    REQUIRE(link->send(command, receiver.to()).ok());
    until([&] { return receiver.answers.size() == command.count(); });
    return receiver.answers.back();
  }

 private:
  LoopFixture loop_;

 public:
  Receiver receiver;
  std::optional<ClusterLink> link;
};

/// Appends numbers to a list, each at most once, with a few under way at every moment.
class Writer {
 public:
  Writer(Stage& stage, std::string key) : stage_(stage), key_(std::move(key)) {}

  void write(size_t most_under_way) {
    while (next_ - acknowledged.size() - unknown.size() - refused.size() < most_under_way) {
      const Command push("RPUSH", key_, next_);
      REQUIRE(stage_.link->send(push, reply_to<&Writer::on_reply>(this, next_)).ok());
      ++next_;
    }
  }
  bool idle() const { return acknowledged.size() + unknown.size() + refused.size() == next_; }
  void on_reply(uint64_t number, const Answer& answer) {
    if (answer.ok() && !(*answer)->is_error()) return void(acknowledged.insert(number));
    const bool sent =
        !answer.ok() && (answer.error().code == Errc::kConnectionLost || answer.error().code == Errc::kTimeout);
    (sent ? unknown : refused).insert(number);
  }
  /// @return what is in the list.
  std::vector<uint64_t> written() {
    const std::string length = stage_.ask(Command("LLEN", key_));
    std::vector<uint64_t> numbers;
    struct Taker {
      std::vector<uint64_t>& numbers;
      bool done = false;
      void on_reply(uint64_t, const Answer& answer) {
        if (answer.ok())
          for (const Reply& element : **answer) numbers.push_back(std::stoull(std::string(element.text)));
        done = true;
      }
    } taker{numbers};
    REQUIRE(stage_.link->send(Command("LRANGE", key_, 0, -1), reply_to<&Taker::on_reply>(&taker)).ok());
    stage_.until([&] { return taker.done; });
    CHECK(length == std::to_string(numbers.size()));
    return numbers;
  }

  std::set<uint64_t> acknowledged, unknown, refused;

 private:
  Stage& stage_;
  const std::string key_;
  uint64_t next_ = 0;
};

/// Whether the replica has all that the primary has.
bool same_offset(const RedisCluster& cluster, size_t primary, size_t replica) {
  auto offset = [&](size_t node, const std::string& name) {
    const std::string info = cluster.ask(node, "INFO replication");
    const auto at = info.find(name + ":");
    return at == std::string::npos ? std::string() : info.substr(at + name.size(), info.find('\r', at) - at);
  };
  const std::string here = offset(primary, "master_repl_offset");
  return !here.empty() &&
         here.substr(0, here.find('\r')) == offset(replica, "slave_repl_offset").substr(0, here.find('\r'));
}

/// Everything that was acknowledged is there, nothing twice, nothing that was told not to be, and in the order of the
/// calls.
void check_ledger(Writer& writer) {
  const std::vector<uint64_t> written = writer.written();
  CHECK(std::is_sorted(written.begin(), written.end()));
  const std::set<uint64_t> there(written.begin(), written.end());
  CHECK(there.size() == written.size());
  for (uint64_t number : writer.acknowledged) CHECK(there.count(number) == 1);
  for (uint64_t number : writer.refused) CHECK(there.count(number) == 0);
}

}  // namespace

TEST_CASE("a real cluster: each key is served, and its slot is what Redis computes") {
  Stage stage(cluster());
  Command writes;
  for (int i = 0; i < 200; ++i) writes.add("SET", "key:" + std::to_string(i), i);
  REQUIRE(stage.link->scatter(writes, stage.receiver.to()).ok());
  stage.until([&] { return stage.receiver.answers.size() == 200; });
  CHECK(std::count(stage.receiver.answers.begin(), stage.receiver.answers.end(), "OK") == 200);
  CHECK(stage.link->map().primaries().size() == RedisCluster::kShards);
  CHECK(stage.link->map().peers().size() == RedisCluster::kShards);
  CHECK(stage.link->map().uncovered() == 0);
  for (const char* key : {"foo", "agent:{bob}", "a{}b", "a{b", "{a}{b}", "{{a}}", "mas.ingress:{7}"})
    CHECK(cluster().ask(0, std::string("CLUSTER KEYSLOT ") + key) == ":" + std::to_string(hash_slot(key)) + "\r\n");
}

TEST_CASE("a real cluster: a slot moves under load; nothing is lost, doubled or out of order") {
  Stage stage(cluster());
  const unsigned slot = hash_slot("{mover}");
  Writer writer(stage, "{mover}list");
  for (int round = 0; round < 6; ++round) {
    const size_t from = cluster().primary_of(slot), to = (from + 1) % RedisCluster::kShards;
    auto write_some = [&] {
      const size_t goal = writer.acknowledged.size() + 200;
      stage.until([&] {
        writer.write(32);
        return writer.acknowledged.size() >= goal;
      });
    };
    write_some();
    cluster().begin_move(slot, from, to);
    write_some();
    writer.write(64);
    cluster().move_keys(slot, from, to, SIZE_MAX);  // the list is there now, and asked for by ASK
    write_some();
    writer.write(64);
    cluster().end_move(slot, from, to);
    write_some();
  }
  stage.until([&] { return writer.idle(); });
  CHECK(writer.unknown.empty());
  CHECK(writer.refused.empty());
  check_ledger(writer);
}

TEST_CASE("a real cluster: transactions and runs of several keys while a slot moves") {
  Stage stage(cluster());
  const unsigned slot = hash_slot("{pair}");
  CHECK(stage.ask(Command("SET", "{pair}a", 1)) == "OK");
  const size_t from = cluster().primary_of(slot), to = (from + 1) % RedisCluster::kShards;
  CHECK(stage.ask(Command("SET", "{pair}b", 1)) == "OK");
  cluster().begin_move(slot, from, to);
  cluster().move_keys(slot, from, to, 1);

  // One key is here and one there: the transaction has to wait for the other.
  Receiver both;
  Command body("INCR", "{pair}a");
  body.add("INCR", "{pair}b");
  REQUIRE(stage.link->transaction(body, both.to()).ok());
  Receiver removed;
  REQUIRE(stage.link->send(Command("EXISTS", "{pair}a", "{pair}b"), removed.to()).ok());
  const auto until = std::chrono::steady_clock::now() + 200ms;
  stage.until([&] { return std::chrono::steady_clock::now() > until; });
  CHECK(both.answers.empty());
  CHECK(removed.answers.empty());
  cluster().move_keys(slot, from, to, 1);
  stage.until([&] { return both.answers.size() == 1 && removed.answers.size() == 1; });
  CHECK(both.answers[0] == "[2]");
  CHECK(removed.answers[0] == "2");
  cluster().end_move(slot, from, to);
  CHECK(stage.ask(Command("GET", "{pair}a")) == "2");
  CHECK(stage.ask(Command("GET", "{pair}b")) == "2");
}

namespace {

struct Ears final : ChannelListener {
  std::vector<std::string> messages, heard, lost, errors;
  void on_message(std::string_view, std::string_view payload) override { messages.emplace_back(payload); }
  void on_oversized(std::string_view, uint64_t bytes) override { messages.push_back(std::to_string(bytes)); }
  void on_channel_heard(std::string_view channel) override { heard.emplace_back(channel); }
  void on_channel_lost(std::string_view channel, const Error&) override { lost.emplace_back(channel); }
  void on_channel_refused(std::string_view, const Error& why) override { errors.push_back(why.message); }
  void on_subscriber_error(const Error& why) override { errors.push_back(why.message); }
};

/// A link whose maps are told to a subscriber.
struct Listening final : ClusterListener {
  Listening(LoopFixture& loop, RedisCluster& cluster) : link(loop.loop(), options(cluster), this) {
    link.start();
    subscriber.emplace(loop.loop(), link, ears, 1024);
  }
  static ClusterOptions options(RedisCluster& cluster) {
    ClusterOptions options;
    options.node = quick_options(cluster.url());
    options.node.primary_only = true;
    options.node.command_timeout = 20s;
    return options;
  }
  void on_map(const SlotMap&) override {
    ++maps;
    if (subscriber) subscriber->on_map();
  }
  void on_node_ready(const Node&, bool) override {}
  void on_node_down(const Node&, const Error&, unsigned) override {}
  void on_map_trouble(const Error&) override {}

  Ears ears;
  ClusterLink link;
  std::optional<ClusterSubscriber> subscriber;
  size_t maps = 0;
};

}  // namespace

TEST_CASE(
    "a real cluster: sharded channels are heard, and again after their slot has moved or its primary failed over") {
  RedisCluster own;
  LoopFixture loop;
  Listening listening(loop, own);
  const std::vector<std::string> channels = {"agent.{a}", "agent.{b}", "agent.{c}", "agent.{d}"};
  for (const auto& channel : channels) listening.subscriber->subscribe(channel);
  auto all_heard = [&] {
    return std::all_of(channels.begin(), channels.end(),
                       [&](const auto& channel) { return listening.subscriber->subscribed(channel); });
  };
  REQUIRE(loop.run_until(all_heard, kPatience));
  Receiver receiver;
  auto publish = [&](const std::string& channel, const std::string& text) {
    receiver.answers.clear();
    REQUIRE(listening.link.send(Command("SPUBLISH", channel, text), receiver.to()).ok());
    REQUIRE(loop.run_until([&] { return !receiver.answers.empty(); }, kPatience));
    return receiver.answers.back();
  };
  for (const auto& channel : channels) CHECK(publish(channel, channel) == "1");
  CHECK(publish("agent.{nobody}", "x") == "0");
  CHECK(publish(channels[0], std::string(2000, 'x')) == "1");
  REQUIRE(loop.run_until([&] { return listening.ears.messages.size() == 5; }, kPatience));
  CHECK(listening.ears.messages.back() == "2000");

  const unsigned slot = hash_slot(channels[0]);
  const size_t from = own.primary_of(slot);
  own.move_slot(slot, (from + 1) % RedisCluster::kShards);
  REQUIRE(loop.run_until([&] { return !listening.ears.lost.empty(); }, 1s));
  REQUIRE(loop.run_until(all_heard, 1s));
  CHECK(listening.ears.lost == std::vector<std::string>{channels[0]});
  CHECK(publish(channels[0], "moved") == "1");
  REQUIRE(loop.run_until([&] { return listening.ears.messages.back() == "moved"; }, kPatience));

  const size_t primary = own.primary_of(slot);
  own.ask(own.replica_of(primary), "CLUSTER FAILOVER");
  REQUIRE(loop.run_until([&] { return own.ask(primary, "ROLE").find("slave") != std::string::npos; }, kPatience));
  REQUIRE(loop.run_until([&] { return listening.ears.lost.size() >= 2; }, 1s));
  REQUIRE(loop.run_until(all_heard, 2s));
  CHECK(publish(channels[0], "failed over") == "1");
  REQUIRE(loop.run_until([&] { return listening.ears.messages.back() == "failed over"; }, kPatience));
  listening.subscriber->unsubscribe(channels[0]);
  REQUIRE(loop.run_until([&] { return publish(channels[0], "to nobody") == "0"; }, kPatience));
  CHECK(listening.ears.errors.empty());
  listening.subscriber.reset();
}

TEST_CASE("a real cluster: nodes that name each other for a slot are not followed in circles") {
  RedisCluster own({"--cluster-node-timeout", "30000"});
  LoopFixture loop;
  Listening listening(loop, own);
  const std::string channel = "agent.{disputed}";
  const unsigned slot = hash_slot(channel);
  listening.subscriber->subscribe(channel);
  REQUIRE(loop.run_until([&] { return listening.subscriber->subscribed(channel); }, kPatience));
  const size_t from = own.primary_of(slot), to = (from + 1) % RedisCluster::kShards;
  const std::string set_slot = "CLUSTER SETSLOT " + std::to_string(slot) + " NODE " + own.id(to);
  REQUIRE(own.ask(from, set_slot) == "+OK\r\n");
  REQUIRE(own.ask(from, "GET " + channel).starts_with("-MOVED"));
  REQUIRE(own.ask(to, "GET " + channel).starts_with("-MOVED"));

  Receiver receiver;
  REQUIRE(listening.link.send(Command("GET", channel), receiver.to()).ok());
  const size_t maps = listening.maps;
  const auto end = std::chrono::steady_clock::now() + 3s;
  loop.run_until([&] { return std::chrono::steady_clock::now() > end; }, kPatience);
  CHECK(listening.maps - maps < 100);
  CHECK(receiver.answers.empty());
  CHECK_FALSE(listening.subscriber->subscribed(channel));

  REQUIRE(own.ask(to, set_slot) == "+OK\r\n");  // what `redis-cli --cluster fix` does
  REQUIRE(loop.run_until([&] { return listening.subscriber->subscribed(channel); }, 5s));
  REQUIRE(loop.run_until([&] { return !receiver.answers.empty(); }, 5s));
  CHECK(receiver.answers.back() == "nil");
  listening.subscriber.reset();
}

TEST_CASE("a real cluster: a walk asks every primary, and no other node in its place") {
  Stage stage(cluster());
  Command writes;
  for (int i = 0; i < 50; ++i) writes.add("SET", "walk:" + std::to_string(i), i);
  REQUIRE(stage.link->scatter(writes, stage.receiver.to()).ok());
  stage.until([&] { return stage.receiver.answers.size() == 50; });
  struct Walker {
    std::set<std::string> found;
    size_t answers = 0;
    void on_reply(uint64_t, const Answer& answer) {
      REQUIRE(answer.ok());
      ++answers;
      for (const Reply& key : (**answer)[1]) found.emplace(key.text);
    }
  } walker;
  const Command scan("SCAN", 0, "MATCH", "walk:*", "COUNT", 10000);
  for (const Node& primary : stage.link->map().primaries())
    REQUIRE(stage.link->send_to(primary, scan, reply_to<&Walker::on_reply>(&walker)).ok());
  stage.until([&] { return walker.answers == RedisCluster::kShards; });
  CHECK(walker.found.size() == 50);
  stage.receiver.answers.clear();
  REQUIRE(stage.link->send_to({"127.0.0.1", 1}, scan, stage.receiver.to(), 100ms).ok());
  stage.until([&] { return !stage.receiver.answers.empty(); });
  CHECK(stage.receiver.answers[0] == "!unreachable");
}

TEST_CASE("a real cluster: a coordinated fail-over loses and doubles nothing") {
  RedisCluster own;
  Stage stage(own);
  const unsigned slot = hash_slot("{taker}");
  Writer writer(stage, "{taker}list");
  for (int round = 0; round < 2; ++round) {
    const size_t before = own.primary_of(slot);
    const size_t goal = writer.acknowledged.size() + 300;
    stage.until([&] {
      writer.write(32);
      return writer.acknowledged.size() >= goal;
    });
    const size_t replica = own.replica_of(before);
    auto asked = std::chrono::steady_clock::now() - 2s;
    stage.until([&] {
      writer.write(32);
      // Primaries do not vote twice for a shard within two node time-outs: asked for until it happens.
      if (std::chrono::steady_clock::now() - asked > 1s) {
        own.ask(replica, "CLUSTER FAILOVER");
        asked = std::chrono::steady_clock::now();
      }
      return own.ask(before, "ROLE").find("slave") != std::string::npos;
    });
    const size_t after = writer.acknowledged.size() + 300;
    stage.until([&] {
      writer.write(32);
      return writer.acknowledged.size() >= after;
    });
  }
  stage.until([&] { return writer.idle(); });
  CHECK(writer.refused.empty());
  check_ledger(writer);
}

TEST_CASE("a real cluster: a primary is killed; its replica serves, nothing is doubled, and what is unknown is told") {
  RedisCluster own({"--repl-backlog-size", "16mb"});
  Stage stage(own);
  const unsigned slot = hash_slot("{heir}");
  Writer writer(stage, "{heir}list");
  stage.until([&] {
    writer.write(32);
    return writer.acknowledged.size() >= 500;
  });
  stage.until([&] { return writer.idle(); });
  const size_t killed = own.primary_of(slot), heir = own.replica_of(killed);
  stage.until([&] { return same_offset(own, killed, heir); });
  own.server(killed).stop();
  const size_t goal = writer.acknowledged.size() + 500;
  stage.until([&] {
    writer.write(32);
    return writer.acknowledged.size() >= goal;
  });
  stage.until([&] { return writer.idle(); });
  CHECK(own.primary_of(slot) == heir);
  check_ledger(writer);

  // It comes back, as a replica, and nobody is misled.
  own.server(killed).start();
  const size_t later = writer.acknowledged.size() + 200;
  stage.until([&] {
    writer.write(32);
    return writer.acknowledged.size() >= later;
  });
  stage.until([&] { return writer.idle(); });
  check_ledger(writer);
}
