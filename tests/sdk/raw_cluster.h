// Blocking commands to a Redis Cluster, each to the node that serves the slot of its key: a foreign program, as far as
// the library knows.
//
// Happy path: command() finds the node by what nodes answer (MOVED, ASK), and remembers it by slot.
// Failure: while no node serves the slot, it tries for kPatience and returns an error reply as text, with its '-'.
// Threading: none.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sdk/raw_redis.h"

namespace mas::test {

class RawCluster final : public RawCommands {
 public:
  struct Node {
    std::string socket;
    int port;
  };
  static constexpr auto kPatience = std::chrono::seconds(20);

  explicit RawCluster(std::vector<Node> nodes) : nodes_(std::move(nodes)), links_(nodes_.size()) {}

  /// @param args the second one is the key.
  std::string command(const std::vector<std::string> &args) override { return command(args, nullptr); }
  /// @param then if given, run behind it on the same connection; its reply comes there.
  std::string command(const std::vector<std::string> &args, const std::vector<std::string> &then,
                      std::string &ret_then);

 private:
  struct Then {
    const std::vector<std::string> &args;
    std::string &reply;
  };
  std::string command(const std::vector<std::string> &args, Then *then);
  std::string ask(size_t node, const std::vector<std::string> &args);
  size_t node_at(const std::string &redirect) const;

  const std::vector<Node> nodes_;
  std::vector<std::unique_ptr<RawRedis>> links_;
  std::map<unsigned, size_t> homes_;  // by slot
};

}  // namespace mas::test
