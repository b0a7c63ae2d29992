// Waits for work in the partitions' lists: a peek (peek.h) for each, made when its partition is first waited for.
//
// Failure modes: as Peek.
// Threading: loop thread. Ownership: the loop's.
#pragma once

#include <memory>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/turn/partition_table.h"
#include "daemons/gatewayd/turn/peek.h"

namespace mas::gateway {

class Peeks {
 public:
  /// @param reply_limits of the connection that reads what is found.
  Peeks(common::Frame& frame, redis::ReplyLimits reply_limits, PeekListener& listener)
      : frame_(frame), reply_limits_(reply_limits), listener_(listener) {}

  /// Waits for the partitions that are decided here, and for no other.
  void arm(const PartitionTable& partitions);
  /// Ends the connections for partitions that are not owned any more.
  void drop_lost(const PartitionTable& partitions);

  /// The connection that reads was made anew, perhaps to another server.
  void renew_links();

 private:
  Peek& peek_at(const Partition& partition);

  common::Frame& frame_;
  const redis::ReplyLimits reply_limits_;
  PeekListener& listener_;
  std::vector<std::unique_ptr<Peek>> peeks_;  // by partition
};

}  // namespace mas::gateway
