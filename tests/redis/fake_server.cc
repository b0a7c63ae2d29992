// Playing a server.
#include "tests/redis/fake_server.h"
#include "tests/lib/resp.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tests/unit/catch.h"

namespace mas::test {
namespace {

void write_all(int fd, const std::string& bytes) {
  static_cast<void>(!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

}  // namespace

std::string resp_texts(const std::vector<std::string>& texts) {
  std::string resp = "*" + std::to_string(texts.size()) + "\r\n";
  for (const auto& text : texts) resp += resp_text(text);
  return resp;
}

FakeServer::FakeServer() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  say("PING", "+PONG\r\n");
  say("CLIENT", "+OK\r\n");
}

FakeServer::~FakeServer() { close_down(); }

void FakeServer::name_primary(const redis::Node& primary, uint64_t epoch, const std::vector<redis::Node>& sentinels) {
  say("SENTINEL GET-MASTER-ADDR-BY-NAME m", resp_texts({primary.host, std::to_string(primary.port)}));
  say("SENTINEL MASTER m",
      resp_texts({"config-epoch", std::to_string(epoch), "num-other-sentinels", std::to_string(sentinels.size())}));
  std::string others = "*" + std::to_string(sentinels.size()) + "\r\n";
  for (const auto& node : sentinels) others += resp_texts({"ip", node.host, "port", std::to_string(node.port)});
  say("SENTINEL SENTINELS m", others);
  say("SENTINEL MYID", resp_text("id-of-" + std::to_string(port_)));
}

void FakeServer::have_role(const redis::Node* replicates) {
  say("HELLO", resp_texts({"server", "redis", "role", replicates == nullptr ? "master" : "replica"}));
  say("ROLE", replicates == nullptr ? "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
                                    : "*5\r\n$5\r\nslave\r\n" + resp_text(replicates->host) + ":" +
                                          std::to_string(replicates->port) + "\r\n$9\r\nconnected\r\n:0\r\n");
}

void FakeServer::publish(std::string_view channel, std::string_view payload) {
  for (auto& peer : peers_)
    if (peer.subscribed) write_all(peer.fd, resp_texts({"message", std::string(channel), std::string(payload)}));
}

void FakeServer::hang_up() {
  for (auto& peer : peers_) close(peer.fd);
  peers_.clear();
}

void FakeServer::close_down() {
  hang_up();
  if (listener_ >= 0) close(std::exchange(listener_, -1));
}

size_t FakeServer::heard(const std::string& command) const {
  auto it = heard_.find(command);
  return it == heard_.end() ? 0 : it->second;
}

bool FakeServer::has_subscribers() const {
  return std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.subscribed; });
}

void FakeServer::serve() {
  if (hangs_ || listener_ < 0) return;
  for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; ++accepted_)
    peers_.push_back({fd, {}});
  std::erase_if(peers_, [this](Peer& peer) { return !read(peer); });
  for (auto& peer : peers_)
    while (answer_one(peer)) {
    }
}

/// @return whether the connection is still there.
bool FakeServer::read(Peer& peer) {
  char bytes[4096];
  ssize_t n;
  while ((n = recv(peer.fd, bytes, sizeof bytes, 0)) > 0) peer.in.append(bytes, static_cast<size_t>(n));
  if (n < 0) return true;
  close(peer.fd);
  return false;
}

/// Answers the first command that is there as a whole.
bool FakeServer::answer_one(Peer& peer) {
  std::vector<std::string> words;
  size_t at = 0;
  auto line = [&]() -> long {
    const size_t end = peer.in.find("\r\n", at);
    if (end == std::string::npos) return -1;
    const long value = std::atol(peer.in.c_str() + at + 1);
    at = end + 2;
    return value;
  };
  for (long count = line(), i = 0; i < count || count < 0; ++i) {
    const long size = count < 0 ? -1 : line();
    if (size < 0 || peer.in.size() < at + static_cast<size_t>(size) + 2) return false;
    words.push_back(peer.in.substr(at, static_cast<size_t>(size)));
    at += static_cast<size_t>(size) + 2;
  }
  peer.in.erase(0, at);
  ++heard_[words[0]];
  if (words[0] == "SUBSCRIBE") {
    peer.subscribed = true;
    for (size_t i = 1; i < words.size(); ++i)
      write_all(peer.fd, "*3\r\n$9\r\nsubscribe\r\n" + resp_text(words[i]) + ":" + std::to_string(i) + "\r\n");
    return true;
  }
  std::string name;
  std::string reply = "-ERR unknown command\r\n";
  for (const auto& word : words) {
    name += (name.empty() ? "" : " ") + word;
    if (auto it = replies_.find(name); it != replies_.end()) reply = it->second;
  }
  write_all(peer.fd, reply);
  return true;
}

}  // namespace mas::test
