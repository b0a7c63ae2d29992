// Where an operation sends its commands: a connection, a cluster, or what stands in their place in tests.
//
// Happy path, failure modes, threading: as redis::Connection's. On a cluster each command goes to the node of its slot;
// commands of one slot are executed in the order of the calls, except while that slot moves, and replies of different
// slots come in any order.
// Ownership: the sink must outlive who sends through it; the connection must outlive the sink.
#pragma once

#include <utility>

#include "proto/redis/client.h"
#include "proto/redis/connection.h"

namespace mas::redis {

class CommandSink {
 public:
  virtual ~CommandSink() = default;
  /// As Connection::send().
  virtual Status send(Rope rope, ReplyTo to) = 0;
  Status send(Command command, ReplyTo to = {}) {
    const size_t count = command.count();
    return send(Rope(command.take_bytes(), count), to);
  }
  /// On a cluster: which node gave the answer at hand. One server has no name here.
  virtual Node answering() const { return {}; }
  /// To that node and no other.
  virtual Status send_to(const Node&, Command command, ReplyTo to) { return send(std::move(command), to); }
  /// As Connection::forget().
  virtual void forget(const void* self) = 0;
  /// As forget(). On a cluster, what no node has yet is never sent; a connection lets nothing wait for another server.
  virtual void abandon(const void* self) { forget(self); }
  /// As Connection::oversized().
  virtual const OversizedText& oversized() const = 0;
};

class ConnectionSink final : public CommandSink {
 public:
  /// @param patience with each reply; zero: the connection's.
  explicit ConnectionSink(Connection& connection, Duration patience = {})
      : connection_(connection), patience_(patience) {}

  using CommandSink::send;
  Status send(Rope rope, ReplyTo to) override { return connection_.send(std::move(rope), to, patience_); }
  void forget(const void* self) override { connection_.forget(self); }
  const OversizedText& oversized() const override { return connection_.oversized(); }

 private:
  Connection& connection_;
  const Duration patience_;
};

class ClusterSink final : public CommandSink {
 public:
  /// @param patience with each reply; zero: the link's.
  explicit ClusterSink(ClusterLink& cluster, Duration patience = {}) : cluster_(cluster), patience_(patience) {}

  using CommandSink::send;
  Status send(Rope rope, ReplyTo to) override;
  Node answering() const override { return cluster_.answering(); }
  Status send_to(const Node& node, Command command, ReplyTo to) override {
    return cluster_.send_to(node, command, to, patience_);
  }
  void forget(const void* self) override { cluster_.forget(self); }
  void abandon(const void* self) override { cluster_.abandon(self); }
  const OversizedText& oversized() const override { return cluster_.oversized(); }

 private:
  ClusterLink& cluster_;
  const Duration patience_;
};

}  // namespace mas::redis
