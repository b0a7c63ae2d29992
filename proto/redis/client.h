// Commands to Redis, whether it is one server or a cluster: what a URL leads to.
//
// Happy path, failure modes, threading, ownership: as Connection's and ClusterLink's. A single server costs one
// predictable branch per call and no virtual call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/redis/cluster/cluster_link.h"
#include "proto/redis/connection.h"
#include "proto/redis/hash_reads.h"

namespace mas::redis {

class Client {
 public:
  /// @param one the listener where the endpoint is one server. @param many that where it is a cluster.
  Client(uv_loop_t* loop, ConnectionOptions options, ConnectionListener* one, ClusterListener* many);

  void start() { connection_ ? connection_->start() : cluster_->start(); }
  void stop() { connection_ ? connection_->stop() : cluster_->stop(); }
  /// @return whether commands are sent at once, whatever their keys are.
  bool ready() const;

  /// Where a walk over all keys goes: each primary of a cluster. One server has no name here.
  std::vector<Node> primaries() const;
  /// To one of primaries(), whatever the keys are.
  Status send_to(const Node& primary, Command command, ReplyTo to, Duration timeout = {}) {
    return connection_ ? connection_->send(std::move(command), to, timeout)
                       : cluster_->send_to(primary, command, to, timeout);
  }

  /// On a cluster all keys of a call are of one slot.
  Status send(const Command& command, ReplyTo to, Duration timeout = {}) {
    return send(command.bytes(), command.count(), to, timeout);
  }
  Status send(Command&& command, ReplyTo to, Duration timeout = {}) {
    return connection_ ? connection_->send(std::move(command), to, timeout) : cluster_->send(command, to, timeout);
  }
  Status send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout = {}) {
    return connection_ ? connection_->send(bytes, count, to, timeout) : cluster_->send(bytes, count, to, timeout);
  }
  /// Commands that do not depend on each other: on a cluster they may be of several slots, and their replies come in
  /// any order.
  Status scatter(const Command& command, ReplyTo to, Duration timeout = {}) {
    return connection_ ? connection_->send(command, to, timeout) : cluster_->scatter(command, to, timeout);
  }
  /// The same for `count` commands that are already RESP. Where it is one server, takes the bytes, and leaves others or
  /// none.
  Status scatter_from(std::string& bytes, size_t count, ReplyTo to) {
    return connection_ ? connection_->send_from(bytes, count, to) : cluster_->scatter(bytes, count, to);
  }
  Status transaction(const Command& body, ReplyTo to) {
    return connection_ ? connection_->transaction(body, to) : cluster_->transaction(body, to);
  }
  /// How many hashes a script may read, whatever their keys are (hash_reads.h).
  size_t hashes_per_script() const { return connection_ ? kHashesPerScript : kHashesPerScriptOnCluster; }
  void forget(const void* self) { connection_ ? connection_->forget(self) : cluster_->forget(self); }
  void flush() { connection_ ? connection_->flush() : cluster_->flush(); }
  /// As Connection's, of every link.
  void drop_links(const Error& why) { connection_ ? connection_->drop_link(why) : cluster_->drop_links(why); }
  Connection::Counters counters() const { return connection_ ? connection_->counters() : cluster_->counters(); }
  void wipe_received() { connection_ ? connection_->wipe_received() : cluster_->wipe_received(); }

  /// Where it is one server; else null.
  Connection* connection() { return connection_ ? &*connection_ : nullptr; }
  const Connection* connection() const { return connection_ ? &*connection_ : nullptr; }
  /// Where it is a cluster; else null.
  ClusterLink* cluster() { return cluster_ ? &*cluster_ : nullptr; }
  const ClusterLink* cluster() const { return cluster_ ? &*cluster_ : nullptr; }

 private:
  std::optional<Connection> connection_;
  std::optional<ClusterLink> cluster_;
};

}  // namespace mas::redis
