// A server that a test plays on loopback: a sentinel, or a Redis that says which role it has.
//
// Happy path: say() sets the reply to a command; serve() accepts, reads and answers whatever is there, and is called
// while the loop runs. A command without a reply gets -ERR. Threading: the test's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/url.h"

namespace mas::test {

class FakeServer {
 public:
  FakeServer();
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  redis::Node node() const { return {"127.0.0.1", port_}; }

  /// @param command its first words as they are sent, "SENTINEL MYID". @param resp its reply.
  void say(const std::string& command, std::string resp) { replies_[command] = std::move(resp); }
  /// As a sentinel of "m": who the primary is, and the other sentinels.
  void name_primary(const redis::Node& primary, uint64_t epoch, const std::vector<redis::Node>& sentinels = {});
  /// As a Redis. @param replicates of which server; null: it is a primary.
  void have_role(const redis::Node* replicates);
  /// To all who subscribed.
  void publish(std::string_view channel, std::string_view payload);

  /// Neither accepts nor answers, until it is told to again.
  void hang(bool hangs) { hangs_ = hangs; }
  /// Ends all connections.
  void hang_up();
  /// hang_up(), and refuses new connections.
  void close_down();
  void serve();

  size_t accepted() const { return accepted_; }
  size_t connected() const { return peers_.size(); }
  /// Commands that came, by their first words that have a reply, or else their name.
  size_t heard(const std::string& command) const;
  bool has_subscribers() const;

 private:
  struct Peer {
    int fd;
    std::string in;
    bool subscribed = false;
  };
  bool read(Peer& peer);
  bool answer_one(Peer& peer);

  int listener_ = -1;
  uint16_t port_ = 0;
  bool hangs_ = false;
  size_t accepted_ = 0;
  std::vector<Peer> peers_;
  std::map<std::string, std::string> replies_;
  std::map<std::string, size_t> heard_;
};

/// An array of texts.
std::string resp_texts(const std::vector<std::string>& texts);

}  // namespace mas::test
