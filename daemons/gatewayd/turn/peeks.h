// Waits for work in the partitions' lists: a peek (peek.h) for each, made when its partition is first waited for.
//
// Failure modes: as Peek.
// Threading: loop thread. Ownership: the loop's.
#pragma once

#include <memory>
#include <vector>

#include "daemons/gatewayd/turn/partition_table.h"
#include "daemons/gatewayd/turn/peek.h"
#include "daemons/gatewayd/turn/turn_link.h"

namespace mas::gateway {

class Peeks {
 public:
  /// @param reply_limits of the connection that reads what is found.
  Peeks(uv_loop_t* loop, const TurnLink& link, redis::ReplyLimits reply_limits, PeekListener& listener)
      : loop_(loop), link_(link), reply_limits_(reply_limits), listener_(listener) {}

  /// Waits for the partitions that are decided here, and for no other.
  void arm(const PartitionTable& partitions);
  /// Ends the connections for partitions that are not owned any more.
  void drop_lost(const PartitionTable& partitions);

  /// Ends all connections.
  void clear() { peeks_.clear(); }
  /// The connection that reads was made anew, perhaps to another server.
  void renew_links();

 private:
  Peek* peek_at(const Partition& partition);

  uv_loop_t* const loop_;
  const TurnLink& link_;
  const redis::ReplyLimits reply_limits_;
  PeekListener& listener_;
  std::vector<std::unique_ptr<Peek>> peeks_;  // by partition
};

}  // namespace mas::gateway
