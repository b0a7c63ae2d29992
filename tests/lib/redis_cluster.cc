// Making a cluster by its own commands.
#include "tests/lib/redis_cluster.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace mas::test {
namespace {

constexpr int kSlots = 16384;
constexpr auto kLimit = std::chrono::seconds(60);

/// Whether a reply is there as a whole: a line, or a text of the length that it states. Lists are read for a moment.
bool whole(const std::string& answer) {
  const auto line = answer.find("\r\n");
  if (line == std::string::npos) return false;
  if (answer[0] == '*') return answer.size() > line + 2 || answer[1] == '0';
  if (answer[0] != '$') return true;
  return answer.size() >= line + 4 + static_cast<size_t>(std::max(0L, std::strtol(answer.c_str() + 1, nullptr, 10)));
}

std::string text_of(const std::string& answer) {
  if (answer.empty() || answer[0] != '$') return {};
  const auto line = answer.find("\r\n");
  return answer.substr(line + 2, answer.size() - line - 4);
}

}  // namespace

void await(const char* what, const std::function<bool()>& condition, std::chrono::milliseconds pause) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(std::string("not in time: ") + what);
    std::this_thread::sleep_for(pause);
  }
}

RedisCluster::RedisCluster(std::vector<std::string> extra) {
  for (size_t i = 0; i < 2 * kShards; ++i) {
    Member& node = nodes_.emplace_back();
    node.port = unused_port();
    node.bus_port = unused_port();
    std::vector<std::string> arguments = {"--port",
                                          std::to_string(node.port),
                                          "--cluster-enabled",
                                          "yes",
                                          "--cluster-port",
                                          std::to_string(node.bus_port),
                                          "--bind",
                                          "127.0.0.1",
                                          "--cluster-node-timeout",
                                          "2000",
                                          "--repl-diskless-sync-delay",
                                          "0"};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    node.server = std::make_unique<RedisServer>(arguments);
    node.id = text_of(ask(i, "CLUSTER MYID"));
  }
  join();
}

void RedisCluster::join() const {
  for (size_t i = 0; i < kShards; ++i) {
    const int first = kSlots * static_cast<int>(i) / static_cast<int>(kShards);
    const int next = kSlots * static_cast<int>(i + 1) / static_cast<int>(kShards);
    ask(i, "CLUSTER ADDSLOTSRANGE " + std::to_string(first) + " " + std::to_string(next - 1));
    ask(i, "CLUSTER SET-CONFIG-EPOCH " + std::to_string(i + 1));
  }
  for (size_t i = 1; i < size(); ++i)
    ask(0, "CLUSTER MEET 127.0.0.1 " + std::to_string(port(i)) + " " + std::to_string(nodes_[i].bus_port));
  for (size_t i = kShards; i < size(); ++i)
    await("a replica knows its primary", [&] { return ask(i, "CLUSTER REPLICATE " + id(i - kShards)) == "+OK\r\n"; });
  await("every node sees the whole cluster", [this] { return settled(); });
}

bool RedisCluster::settled() const {
  for (size_t i = 0; i < size(); ++i) {
    const std::string info = ask(i, "CLUSTER INFO");
    if (info.find("cluster_state:ok") == std::string::npos) return false;
    if (info.find("cluster_known_nodes:" + std::to_string(size())) == std::string::npos) return false;
    if (i >= kShards && ask(i, "INFO replication").find("master_link_status:up") == std::string::npos) return false;
    if (text_of(ask(i, "CLUSTER NODES")).find("handshake") != std::string::npos) return false;
  }
  return true;
}

std::string RedisCluster::url() const {
  std::string url = "redis+cluster://";
  for (size_t i = 0; i < size(); ++i) url += (i == 0 ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(port(i));
  return url;
}

std::string RedisCluster::ask(size_t node, const std::string& command) const {
  const std::string& path = nodes_[node].server->socket();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const std::string line = command + "\r\n";
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
    char bytes[8192];
    pollfd readable{fd, POLLIN, 0};
    for (ssize_t n = 1; n > 0 && !whole(answer) && poll(&readable, 1, 5000) == 1;)
      if ((n = read(fd, bytes, sizeof bytes)) > 0) answer.append(bytes, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

size_t RedisCluster::primary_of(unsigned slot) const {
  for (size_t i = 0; i < size(); ++i) {
    std::istringstream nodes(text_of(ask(i, "CLUSTER NODES")));
    for (std::string line; std::getline(nodes, line);) {
      if (line.find("myself,master") == std::string::npos) continue;
      std::istringstream words(line);
      std::string word;
      for (int n = 0; words >> word; ++n) {
        if (n < 8 || word[0] == '[') continue;
        const auto dash = word.find('-');
        const unsigned first = static_cast<unsigned>(std::stoul(word));
        const unsigned last =
            dash == std::string::npos ? first : static_cast<unsigned>(std::stoul(word.substr(dash + 1)));
        if (slot >= first && slot <= last) return i;
      }
    }
  }
  throw std::runtime_error("no node serves slot " + std::to_string(slot));
}

size_t RedisCluster::replica_of(size_t primary) const {
  for (size_t i = 0; i < size(); ++i)
    if (ask(i, "INFO replication").find("master_port:" + std::to_string(port(primary)) + "\r\n") != std::string::npos)
      return i;
  throw std::runtime_error("the primary has no replica");
}

/// @return what a node knows of the others: id, configuration epoch, slots, in the order of ids.
std::string RedisCluster::claims_known_to(size_t node) const {
  std::istringstream nodes(text_of(ask(node, "CLUSTER NODES")));
  std::set<std::string> claims;
  for (std::string line; std::getline(nodes, line);) {
    std::istringstream words(line);
    std::string word, claim;
    for (int n = 0; words >> word; ++n)
      if (n == 0 || n == 6 || (n >= 8 && word[0] != '[')) claim += word + ' ';
    claims.insert(claim);
  }
  std::string all;
  for (const auto& claim : claims) all += claim + '\n';
  return all;
}

/// The new owner takes a configuration epoch past all that it knows. Before it knows that of the last move, it may take
/// none, and the older claim of another node wins its slot back.
void RedisCluster::await_agreement() const {
  await("all nodes agree on who serves what", [this] {
    for (size_t i = 1; i < size(); ++i)
      if (claims_known_to(i) != claims_known_to(0)) return false;
    return true;
  });
}

void RedisCluster::begin_move(unsigned slot, size_t from, size_t to) const {
  await_agreement();
  ask(to, "CLUSTER SETSLOT " + std::to_string(slot) + " IMPORTING " + id(from));
  ask(from, "CLUSTER SETSLOT " + std::to_string(slot) + " MIGRATING " + id(to));
}

void RedisCluster::move_keys(unsigned slot, size_t from, size_t to, size_t most) const {
  for (size_t moved = 0; moved < most; ++moved) {
    std::istringstream reply(ask(from, "CLUSTER GETKEYSINSLOT " + std::to_string(slot) + " 1"));
    std::string count, length, key;
    if (!(reply >> count >> length >> key) || count == "*0") return;
    ask(from, "MIGRATE 127.0.0.1 " + std::to_string(port(to)) + " " + key + " 0 5000");
  }
}

void RedisCluster::end_move(unsigned slot, size_t from, size_t to) const {
  const std::string command = "CLUSTER SETSLOT " + std::to_string(slot) + " NODE " + id(to);
  ask(to, command);
  ask(from, command);
  for (size_t i = 0; i < size(); ++i) ask(i, command);  // a replica refuses, and hears it from its primary
}

void RedisCluster::move_slot(unsigned slot, size_t to) const {
  const size_t from = primary_of(slot);
  if (from == to) return;
  begin_move(slot, from, to);
  move_keys(slot, from, to, SIZE_MAX);
  end_move(slot, from, to);
}

}  // namespace mas::test
