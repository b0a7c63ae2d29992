// Even shares with few moves; gateways that join, leave, crash and hang, simulated with leases and heartbeats.
#include "daemons/gatewayd/ownership/partitioner.h"

#include <algorithm>
#include <map>
#include <memory>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

std::map<std::string, unsigned> counts(const Names& owners) {
  std::map<std::string, unsigned> out;
  for (const auto& owner : owners) ++out[owner];
  return out;
}

size_t moves(const Names& before, const Names& after) {
  size_t n = 0;
  for (size_t p = 0; p < before.size(); ++p) n += !before[p].empty() && before[p] != after[p] ? 1 : 0;
  return n;
}

bool even(const Names& owners, size_t gateways) {
  auto by_owner = counts(owners);
  if (by_owner.contains("")) return false;
  if (by_owner.size() != std::min(gateways, owners.size())) return false;
  unsigned least = UINT32_MAX, most = 0;
  for (const auto& [owner, n] : by_owner) least = std::min(least, n), most = std::max(most, n);
  return gateways > owners.size() ? most == 1 : most - least <= 1;
}

constexpr Duration kPeriod = 1s;
constexpr Duration kLease = 5s;
constexpr Duration kHeartbeat = 15s;

/// Redis and the gateways: each surveys once a period, at its own moment; leases expire as Redis lets them.
class Cluster {
 public:
  explicit Cluster(size_t partitions) : owners_(partitions), expires_(partitions) {}

  void join(const std::string& name) {
    gateways_.push_back({name, std::make_unique<Partitioner>(name, 3 * kPeriod), true, true, now_});
  }
  /// Releases everything and leaves, as a drain does.
  void leave(const std::string& name) {
    for (auto& owner : owners_)
      if (owner == name) owner.clear();
    std::erase_if(gateways_, [&](const Gateway& g) { return g.name == name; });
  }
  /// The process is gone; its leases and heartbeat run out.
  void crash(const std::string& name) { find(name).alive = false; }
  /// It beats, but takes nothing any more.
  void hang(const std::string& name) { find(name).takes = false; }

  /// Runs for `periods`. @return how many leases changed hands or were given up.
  size_t run(unsigned periods) {
    size_t changes = 0;
    for (unsigned i = 0; i < periods; ++i) {
      now_ += kPeriod;
      expire();
      for (auto& gateway : gateways_)
        if (gateway.alive) changes += turn(gateway);
      free_periods_ += std::any_of(owners_.begin(), owners_.end(), [](const auto& o) { return o.empty(); }) ? 1 : 0;
    }
    return changes;
  }

  const Names& owners() const { return owners_; }
  unsigned free_periods() const { return free_periods_; }

 private:
  struct Gateway {
    std::string name;
    std::unique_ptr<Partitioner> partitioner;
    bool alive, takes;
    MonoTime beat;
  };

  Gateway& find(const std::string& name) {
    return *std::find_if(gateways_.begin(), gateways_.end(), [&](const Gateway& g) { return g.name == name; });
  }

  void expire() {
    for (auto& gateway : gateways_)
      if (gateway.alive) gateway.beat = now_;
    std::erase_if(gateways_, [&](const Gateway& g) { return now_ - g.beat > kHeartbeat; });
    for (size_t p = 0; p < owners_.size(); ++p)
      if (!owners_[p].empty() && expires_[p] <= now_) owners_[p].clear();
  }

  size_t turn(Gateway& gateway) {
    View view;
    for (const auto& other : gateways_) view.gateways.push_back(other.name);
    view.owners = owners_;
    auto mine = gateway.partitioner->plan(view, now_);
    size_t changes = 0;
    for (size_t p = 0; p < owners_.size(); ++p) {
      bool has = owners_[p] == gateway.name;
      if (has && (!mine[p] || !gateway.takes)) {
        owners_[p].clear();
        ++changes;
      } else if (mine[p] && gateway.takes && (has || owners_[p].empty())) {
        changes += has ? 0 : 1;
        owners_[p] = gateway.name;
        expires_[p] = now_ + kLease;
      }
    }
    return changes;
  }

  MonoTime now_{};
  Names owners_;
  std::vector<MonoTime> expires_;
  std::vector<Gateway> gateways_;
  unsigned free_periods_ = 0;
};

}  // namespace

TEST_CASE("shares are even for any numbers") {
  for (size_t partitions : {1u, 2u, 7u, 16u, 64u})
    for (size_t n = 1; n <= 9; ++n) {
      Names gateways;
      for (size_t i = 0; i < n; ++i) gateways.push_back(std::string(1, static_cast<char>('a' + i)));
      auto assignment = even_assignment(gateways, Names(partitions));
      CHECK(even(assignment, n));
      CHECK(even_assignment(gateways, assignment) == assignment);
    }
}

TEST_CASE("a gateway that joins costs exactly its share in moves") {
  auto before = even_assignment({"a", "b", "c"}, Names(16));
  for (const char* name : {"0", "bb", "z"}) {
    auto after = even_assignment({"a", "b", "c", name}, before);
    CHECK(even(after, 4));
    CHECK(moves(before, after) == 4);
  }
}

TEST_CASE("a gateway that leaves costs no moves but its own") {
  auto before = even_assignment({"a", "b", "c", "d"}, Names(16));
  auto after = even_assignment({"a", "b", "d"}, before);
  CHECK(even(after, 3));
  for (size_t p = 0; p < before.size(); ++p)
    if (before[p] != "c") CHECK(after[p] == before[p]);
}

TEST_CASE("an owner that is not alive counts as none") {
  auto after = even_assignment({"a"}, {"ghost", "a", ""});
  CHECK(after == Names{"a", "a", "a"});
}

TEST_CASE("one gateway takes everything at once, and then nothing changes") {
  Cluster cluster(16);
  cluster.join("a");
  CHECK(cluster.run(1) == 16);
  CHECK(cluster.run(100) == 0);
}

TEST_CASE("gateways that join one after another share evenly and then rest") {
  Cluster cluster(16);
  size_t most_moves[] = {0, 16, 16, 10, 8, 6};  // a take, later a release and a take per partition that moves
  for (size_t n = 1; n <= 5; ++n) {
    cluster.join(std::string(1, static_cast<char>('f' - n)));
    CHECK(cluster.run(4) <= most_moves[n]);
    CHECK(even(cluster.owners(), n));
    CHECK(cluster.run(60) == 0);
  }
}

TEST_CASE("gateways that start together share evenly") {
  Cluster cluster(16);
  for (const char* name : {"a", "b", "c"}) cluster.join(name);
  cluster.run(3);
  CHECK(even(cluster.owners(), 3));
  CHECK(cluster.run(100) == 0);
}

TEST_CASE("a gateway that drains is replaced within two periods") {
  Cluster cluster(16);
  for (const char* name : {"a", "b", "c"}) cluster.join(name);
  cluster.run(5);
  cluster.leave("b");
  cluster.run(2);
  CHECK(even(cluster.owners(), 2));
  CHECK(cluster.run(60) == 0);
}

TEST_CASE("a gateway that crashes is replaced when its leases run out, not when its heartbeat does") {
  Cluster cluster(16);
  for (const char* name : {"a", "b", "c"}) cluster.join(name);
  cluster.run(5);
  cluster.crash("a");
  cluster.run(7);
  CHECK(even(cluster.owners(), 2));
  CHECK(cluster.run(60) == 0);
}

TEST_CASE("a gateway that comes back gets its share again") {
  Cluster cluster(16);
  for (const char* name : {"a", "b"}) cluster.join(name);
  cluster.run(5);
  cluster.leave("b");
  cluster.run(5);
  cluster.join("c");
  cluster.run(4);
  CHECK(even(cluster.owners(), 2));
  CHECK(cluster.run(60) == 0);
}

TEST_CASE("a gateway that beats but takes nothing does not keep partitions free for long") {
  Cluster cluster(16);
  for (const char* name : {"a", "b"}) cluster.join(name);
  cluster.run(5);
  cluster.join("hung");
  cluster.hang("hung");
  unsigned before = cluster.free_periods();
  cluster.run(600);  // ten minutes
  CHECK(cluster.free_periods() - before <= 30);
  CHECK(even(cluster.owners(), 2));
}

TEST_CASE("a gateway that let go of everything and recovers is counted again") {
  Cluster cluster(16);
  for (const char* name : {"a", "b", "c"}) cluster.join(name);
  cluster.run(5);
  cluster.crash("c");
  cluster.run(30);
  cluster.join("c");
  cluster.run(30);
  CHECK(even(cluster.owners(), 3));
}

TEST_CASE("more gateways than partitions: everyone has at most one, and nobody flaps") {
  Cluster cluster(4);
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) cluster.join(name);
  cluster.run(5);
  CHECK(even(cluster.owners(), 6));
  CHECK(cluster.run(100) == 0);
  cluster.leave("a");
  cluster.run(30);
  CHECK(even(cluster.owners(), 5));
}

TEST_CASE("a number of partitions that changes starts afresh") {
  Partitioner partitioner("a", 3s);
  CHECK(partitioner.plan({{"a"}, Names(4)}, MonoTime{}) == std::vector<bool>(4, true));
  CHECK(partitioner.plan({{"a"}, Names(8)}, MonoTime{} + 1s) == std::vector<bool>(8, true));
}
