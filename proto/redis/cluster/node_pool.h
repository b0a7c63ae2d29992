// The connections to the nodes of a Redis Cluster: which are made, which are kept, and when one is let go.
//
// Happy path: a connection is made when of() first asks for its node, or because the node serves a slot that is wanted;
// it stays while the map has the node.
// Failure: a connection that fails goes on trying by itself. A node that the map does not have any more is let go by
// tidy(), once it has answered everything and nothing has asked for it for kLinger.
// Threading: one loop, its thread. Ownership: the map, the options and the listener must outlive the pool. Links are
// destroyed by tidy() and by the destructor only, so neither may be called from a callback of one.
#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <set>

#include "proto/redis/cluster/topology_watch.h"

namespace mas::redis {

struct NodeLink;

class NodeListener {
 public:
  virtual ~NodeListener() = default;
  virtual void on_node_ready(NodeLink& node) = 0;
  virtual void on_node_down(NodeLink& node, const Error& why, unsigned attempt) = 0;
};

/// A node and the connection to it.
struct NodeLink final : ConnectionListener {
  NodeLink(uv_loop_t* loop, NodeListener& its_listener, Node its_address, unsigned its_number,
           ConnectionOptions options);

  void on_ready(Connection&) override { listener.on_node_ready(*this); }
  void on_down(Connection&, const Error& why, unsigned attempt) override { listener.on_node_down(*this, why, attempt); }

  NodeListener& listener;
  const Node address;
  const unsigned number;  // no other node has had it
  size_t in_flight = 0;   // runs
  bool asked_for = true;  // since the last tidy(): a run goes to it, or waits for it
  MonoTime used_at{};     // when tidy() last saw it asked for
  Connection connection;
};

class NodePool {
 public:
  static constexpr Duration kLinger = std::chrono::seconds(3);

  NodePool(uv_loop_t* loop, const ClusterOptions& options, const SlotMap& map, NodeListener& listener)
      : loop_(loop), options_(options), map_(map), listener_(listener) {}

  /// @return the link to that node, begun if there was none.
  NodeLink& of(const Node& address);
  /// @return null: there is none.
  NodeLink* find(const Node& address) const;
  /// @return a primary that is connected; else one that is being connected; null: the map has none.
  NodeLink* any();
  bool connected(const Node& address) const;

  /// The primary of the slot is connected as soon as it is known. Counted: as many release() end it.
  void want(unsigned slot);
  void release(unsigned slot);
  /// So is every primary.
  void want_all();
  /// The map has changed: makes what is wanted.
  void connect_wanted();
  /// Lets go of what is not needed any more. @return whether there will be more to let go, later.
  bool tidy();

  /// Nothing is connected any more because it is wanted.
  void stop();
  /// Of the links with runs in flight.
  void flush();
  void drop_links(const Error& why);
  /// Of all links there have been.
  Connection::Counters counters() const;

 private:
  uv_loop_t* const loop_;
  const ClusterOptions& options_;
  const SlotMap& map_;
  NodeListener& listener_;
  std::map<Node, std::unique_ptr<NodeLink>> links_;
  std::multiset<unsigned> wanted_;  // slots
  bool all_wanted_ = false;
  bool stopped_ = false;
  unsigned next_number_ = 0;
  Connection::Counters gone_;  // of links that were let go
};

}  // namespace mas::redis
