// A node of a cluster, played by the test: it listens on a port of 127.0.0.1, reads commands, and answers what the test
// says. Threading: none; serve() is called while the test's loop runs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/cluster/slot_map.h"
#include "tests/lib/resp.h"
#include "tests/unit/catch.h"

namespace mas::test {

class FakeNode {
 public:
  using Words = std::vector<std::string>;
  /// What every node answers to everybody: the greeting, and the map.
  static constexpr std::string_view kPrimary = "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";

  FakeNode() { open(0); }
  ~FakeNode() { stop(); }
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;

  redis::Node address() const { return {"127.0.0.1", port_}; }
  /// Hangs up and refuses connections; start() listens on the same port again.
  void stop() {
    hang_up();
    if (listener_ >= 0) close(listener_);
    listener_ = -1;
  }
  void start() { open(port_); }
  void hang_up() {
    for (Peer& peer : peers_) close(peer.fd);
    peers_.clear();
  }

  /// @return the answer to a command, in RESP; empty: none.
  std::function<std::string(const Words&)> answer = [](const Words&) { return "+OK\r\n"; };
  std::string map = "*0\r\n";        ///< the answer to CLUSTER SHARDS
  std::chrono::milliseconds slow{};  ///< a new peer is served after this time only
  std::vector<Words> heard;          ///< all commands but those of the greeting and of the map
  int maps_told = 0;
  size_t peers() const { return peers_.size(); }

  void serve() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
      peers_.push_back({fd, {}, std::chrono::steady_clock::now() + slow});
    for (size_t i = 0; i < peers_.size();) serve(peers_[i]) ? void(++i) : void(peers_.erase(peers_.begin() + i));
  }

 private:
  struct Peer {
    int fd;
    std::string bytes;
    std::chrono::steady_clock::time_point served_from;
  };

  void open(uint16_t port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }

  /// @return whether the peer is still there.
  bool serve(Peer& peer) {
    if (std::chrono::steady_clock::now() < peer.served_from) return true;
    char bytes[4096];
    ssize_t n;
    while ((n = read(peer.fd, bytes, sizeof bytes)) > 0) peer.bytes.append(bytes, static_cast<size_t>(n));
    if (n == 0) {
      close(peer.fd);
      return false;
    }
    const int fd = peer.fd;
    const size_t before = peers_.size();
    for (Words words; take(peer.bytes, words);) {
      const std::string said = reply(words);
      if (peers_.size() != before) return true;  // the answer was to hang up
      REQUIRE(write(fd, said.data(), said.size()) == static_cast<ssize_t>(said.size()));
    }
    return true;
  }

  static bool take(std::string& bytes, Words& ret_words) {
    Words words;
    size_t at = 0;
    auto number = [&](char mark) -> long {
      const size_t end = bytes.find("\r\n", at);
      if (end == std::string::npos || bytes[at] != mark) return -1;
      const long value = std::strtol(bytes.c_str() + at + 1, nullptr, 10);
      at = end + 2;
      return value;
    };
    const long count = number('*');
    for (long i = 0; i < count; ++i) {
      const long length = number('$');
      if (length < 0 || bytes.size() < at + static_cast<size_t>(length) + 2) return false;
      words.push_back(bytes.substr(at, static_cast<size_t>(length)));
      at += static_cast<size_t>(length) + 2;
    }
    if (count <= 0) return false;
    bytes.erase(0, at);
    ret_words = std::move(words);
    return true;
  }

  std::string reply(const Words& words) {
    if (words[0] == "HELLO") return std::string(kPrimary);
    if (words[0] == "PING") return "+PONG\r\n";
    if (words[0] == "CLUSTER" && words[1] != "NODES") return ++maps_told, map;
    heard.push_back(words);
    return answer(words);
  }

  int listener_ = -1;
  uint16_t port_ = 0;
  std::vector<Peer> peers_;
};

/// A shard of `CLUSTER SHARDS` with one primary.
struct Shard {
  redis::Node primary;
  int first, last;
};

inline std::string map_of(const std::vector<Shard>& shards) {
  auto number = [](int value) { return ":" + std::to_string(value) + "\r\n"; };
  std::string map = "*" + std::to_string(shards.size()) + "\r\n";
  for (const Shard& shard : shards)
    map += "*4\r\n" + resp_text("slots") + "*2\r\n" + number(shard.first) + number(shard.last) + resp_text("nodes") +
           "*1\r\n*8\r\n" + resp_text("port") + number(shard.primary.port) + resp_text("endpoint") +
           resp_text(shard.primary.host) + resp_text("role") + resp_text("master") + resp_text("health") +
           resp_text("online");
  return map;
}

}  // namespace mas::test
