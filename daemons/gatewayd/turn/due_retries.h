// What waits to be delivered again: when the first of it is due, what is due, and what follows when Redis's clock was
// set.
//
// Failure modes: a clock that was set moves every retry of a partition by as much, so nothing waits longer than
// retry.cap from now; what was read of them in between is from before, and is looked at again.
// Threading: loop thread. Ownership: the loop's.
#pragma once

#include "daemons/gatewayd/turn/turn_parts.h"

namespace mas::gateway {

class DueRetries {
 public:
  explicit DueRetries(TurnParts& parts) : parts_(parts) {}

  /// Whether something of the partition is due.
  bool due(const Partition& partition) const { return partition.next_retry <= parts_.clock.now(); }
  /// Appends three commands, whose answers are for take_due(), take_next() and take_count(), in this order.
  /// @param bytes about as many are read at once.
  void ask(redis::Command& command, const Partition& partition, size_t bytes) const;
  /// @param reply of take_…: no error.
  void take_due(Partition& partition, const redis::Reply& reply);
  void take_next(Partition& partition, const redis::Reply& reply) const;
  static void take_count(Partition& partition, const redis::Reply& reply);
  /// The clock was just read: retries of decided partitions follow it where it was set.
  void follow_clock();

 private:
  void move(Partition& partition, WallMicros from, WallMicros to);

  TurnParts& parts_;
};

}  // namespace mas::gateway
