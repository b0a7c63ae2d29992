// A cluster link on a real cluster of three primaries and three replicas: slots that move, primaries that go.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "proto/redis/cluster/cluster_link.h"
#include "tests/lib/loop_fixture.h"
#include "tests/lib/redis_cluster.h"
#include "tests/redis/client.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;
using namespace mas::test;

namespace {

/// Shared by the tests that leave it whole.
RedisCluster& cluster() {
  static RedisCluster made;
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
