// Redirections by hand.
#include "tests/sdk/raw_cluster.h"

#include <stdexcept>
#include <thread>

#include "proto/redis/cluster/hash_slot.h"

namespace mas::test {
namespace {

bool refused_for_now(const std::string &reply) {
  for (const char *code : {"-connection lost", "-no reply", "-CLUSTERDOWN", "-TRYAGAIN", "-LOADING", "-READONLY"})
    if (reply.starts_with(code)) return true;
  return false;
}

}  // namespace

std::string RawCluster::command(const std::vector<std::string> &args, const std::vector<std::string> &then,
                                std::string &ret_then) {
  Then both{then, ret_then};
  return command(args, &both);
}

/// A node that does not answer makes the next one be asked, which says where the slot is.
std::string RawCluster::command(const std::vector<std::string> &args, Then *then) {
  size_t &home = homes_[redis::hash_slot(args.at(1))];
  const auto end = std::chrono::steady_clock::now() + kPatience;
  size_t node = home;
  std::string reply;
  do {
    reply = ask(node, args);
    if (reply.starts_with("-MOVED ")) {
      node = home = node_at(reply);
    } else if (reply.starts_with("-ASK ")) {
      node = node_at(reply);
      ask(node, {"ASKING"});
    } else if (refused_for_now(reply)) {
      node = home = (node + 1) % nodes_.size();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } else {
      if (then == nullptr) return reply;
      then->reply = ask(node, then->args);
      if (!refused_for_now(then->reply)) return reply;
      node = home = (node + 1) % nodes_.size();
    }
  } while (std::chrono::steady_clock::now() < end);
  return reply;
}

std::string RawCluster::ask(size_t node, const std::vector<std::string> &args) {
  try {
    if (links_[node] == nullptr) links_[node] = std::make_unique<RawRedis>(nodes_[node].socket);
  } catch (const std::runtime_error &) {
    return "-connection lost";
  }
  std::string reply = links_[node]->command(args);
  if (reply == "-connection lost" || reply == "-no reply") links_[node].reset();
  return reply;
}

size_t RawCluster::node_at(const std::string &redirect) const {
  const int port = std::stoi(redirect.substr(redirect.rfind(':') + 1));
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].port == port) return i;
  throw std::runtime_error("no such node: " + redirect);
}

}  // namespace mas::test
