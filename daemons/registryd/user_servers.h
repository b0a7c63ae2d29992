// The servers that have users of their own: each primary and its replicas. Redis replicates no ACL users, a replica
// lets its own users in, and after a fail-over it is the primary.
//
// Happy path: find() asks every primary for its replicas, and makes a link to each that is new; one that no primary
// names any more loses its link. Commands to a primary go by the client, those to a replica by its own link.
// Failure: a replica without a ready link is not usable(); what is sent to it fails at once, or with its link. Where a
// primary does not tell its replicas, those that were known stay.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its own callbacks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/redis/client.h"

namespace mas::registry {

class UserServers {
 public:
  /// @param options of a link to one replica; of its endpoint, host and port are replaced.
  UserServers(uv_loop_t* loop, redis::Client& redis, redis::ConnectionOptions options, std::function<void()> found);
  ~UserServers();
  UserServers(const UserServers&) = delete;
  UserServers& operator=(const UserServers&) = delete;

  /// Calls found() when every primary has answered. @return an error: it will not be called.
  Status find();

  size_t size() const { return primaries_.size() + replicas_.size(); }
  bool is_replica(size_t i) const { return i >= primaries_.size(); }
  /// The server's name; unique.
  std::string text(size_t i) const { return node(i).text(); }
  bool usable(size_t i) const { return !is_replica(i) || link(i).connection->ready(); }
  /// @return whether the link is another one than at the last call: the server may have restarted.
  bool is_new(size_t i);
  Status send(size_t i, redis::Command command, redis::ReplyTo to);

 private:
  struct Link {
    std::unique_ptr<redis::Connection> connection;
    uint64_t generation = 0;  ///< that is_new() saw last
  };

  void on_info(uint64_t, const redis::Answer& answer);
  void connect();
  const redis::Node& node(size_t i) const { return is_replica(i) ? replicas_[i - primaries_.size()] : primaries_[i]; }
  const Link& link(size_t i) const { return links_.at(node(i)); }

  uv_loop_t* const loop_;
  redis::Client& redis_;
  const redis::ConnectionOptions options_;
  const std::function<void()> found_;
  std::vector<redis::Node> primaries_, replicas_, asked_;
  std::map<redis::Node, Link> links_;  // of replicas_
  size_t missing_ = 0;                 // answers
  bool untold_ = false;                // a primary did not say
};

}  // namespace mas::registry
