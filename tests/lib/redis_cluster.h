// A private Redis Cluster for a test: three primaries with a replica each, on ports of 127.0.0.1.
//
// Happy path: the constructor starts six redis-servers, makes them one cluster, and returns when every node sees all
// slots served and every replica is in step. Failure: throws std::runtime_error that says what was not reached in time.
// Threading: none.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/lib/redis_server.h"

namespace mas::test {

/// Asks for a condition of the cluster every `pause` until it holds. Throws std::runtime_error after a minute.
void await(const char* what, const std::function<bool()>& condition,
           std::chrono::milliseconds pause = std::chrono::milliseconds(20));

class RedisCluster {
 public:
  static constexpr size_t kShards = 3;

  /// @param extra further arguments of every node.
  explicit RedisCluster(std::vector<std::string> extra = {});

  /// `redis+cluster://` with the addresses of all nodes.
  std::string url() const;
  size_t size() const { return nodes_.size(); }
  RedisServer& server(size_t node) { return *nodes_[node].server; }
  int port(size_t node) const { return nodes_[node].port; }

  /// Sends an inline command and returns the raw answer, of at most a few kilobytes; empty where there is none.
  std::string ask(size_t node, const std::string& command) const;
  /// @return the number of the node that serves the slot now, by its own account.
  size_t primary_of(unsigned slot) const;
  /// @return the number of a replica of that node.
  size_t replica_of(size_t primary) const;
  /// @return the id by which the nodes know it.
  std::string id(size_t node) const { return nodes_[node].id; }
  /// Moves a slot with all its keys once all nodes agree on the map, as `redis-cli --cluster reshard` does.
  void move_slot(unsigned slot, size_t to) const;
  /// Its steps: the slot is marked, its keys move one by one, the owner changes.
  void begin_move(unsigned slot, size_t from, size_t to) const;
  void move_keys(unsigned slot, size_t from, size_t to, size_t most) const;
  void end_move(unsigned slot, size_t from, size_t to) const;

 private:
  struct Member {
    int port = 0, bus_port = 0;
    std::string id;
    std::unique_ptr<RedisServer> server;
  };

  void join() const;
  bool settled() const;
  std::string claims_known_to(size_t node) const;
  void await_agreement() const;

  std::vector<Member> nodes_;
};

}  // namespace mas::test
