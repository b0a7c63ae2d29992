// Receiving in gateway mode: what a mode asks of its reader.
//
//   reader.h           one server: a connection of its own, whose reads block
//   cluster_reader.h   a Redis Cluster: wake-ups, and reads that do not block
//
// Happy path: prepared() ─▶ listen() ─▶ up(), and from then on messages, until stop(). Failure modes, threading,
// ownership: see these files.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sdk/src/core/mode_host.h"
#include "sdk/src/gateway/dedupe_window.h"
#include "sdk/src/gateway/deliveries.h"
#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {

class InboxReader {
 public:
  /// @return the reader for the Redis that the agent has.
  static std::unique_ptr<InboxReader> make(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe);
  virtual ~InboxReader() = default;

  /// Before each registration, and when the number of partitions was changed.
  virtual void prepared(const GatewaySetup& setup) = 0;
  /// Tries whether it may read, on links that it makes. @param done as Mode::listen().
  virtual void listen(std::function<void(Status)> done) = 0;
  virtual void listen_no_more() = 0;
  /// The session's link was made anew, perhaps to another server.
  virtual void renew_link() = 0;
  /// The agent is registered: reads, and sends acks again that had no answer.
  virtual void up() = 0;
  /// The lease was renewed: looks for entries of the dead, goes on with what waited for it, and with acks that Redis
  /// refused.
  virtual void on_lease() = 0;
  /// @return whether there may be more partitions than it knows of; not again until it has another reason.
  virtual bool misses_partitions() { return false; }
  /// Entries are due for their acks, and there may be room again.
  virtual void on_handled() = 0;
  /// The agent goes by another instance's name, and what is in hand is that one's; reading goes on with up().
  /// @param before the instance's name until now, whose reply streams go.
  virtual void renamed(const std::string& before) = 0;
  /// Sends what acks there are; reads no more.
  virtual void stop() = 0;
  /// The agent stops, and nobody else reads: its reply streams go, and its consumers' idle time begins now, by which
  /// streams of stopped agents are removed.
  virtual void say_farewell() = 0;
};

}  // namespace mas::sdk
