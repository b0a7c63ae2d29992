// An element that ends turns by its content, or the gateway: it is decided alone, and set aside when that fails, too.
//
// In doubt is the head of a list, when its partition was fenced three times and more since its last audit block (so
// every owner since then ended before a commit), or when two turns were dropped that had taken long over an element of
// it. It is then the only one of its turn, and a count is kept in Redis while it is tried. The commit removes the
// count. A count that is there already tells of a trial that failed: the element is set aside like anything that is no
// frame.
// Failure modes: a trial that was dropped for another reason, a lost link say, does not count.
// Threading: none. Ownership: partitions must outlive it.
#pragma once

#include "daemons/gatewayd/turn/partition_table.h"
#include "proto/redis/command.h"
#include "proto/redis/reply.h"

namespace mas::gateway {

class Trials {
 public:
  /// @return a partition whose head is to be tried alone; nullptr: there is none.
  static Partition* in_doubt(const PartitionTable& partitions);
  /// Begins one. Appends a command that counts it, to be answered to counted().
  void begin(Partition& partition, redis::Command& command);
  /// @return whether the partition still is this gateway's. A count that cannot be kept (Redis is out of memory) keeps
  /// nobody waiting.
  bool counted(const redis::Reply& reply);
  /// The partition whose head is being tried; nullptr: none is.
  const Partition* under_way() const { return at_; }
  /// What was read is to be set aside.
  bool failed_before() const { return at_ != nullptr && failed_; }
  /// What was read for it is not taken. @return its partition, whose count is to be removed; nullptr: none was under
  /// way.
  Partition* end(bool nothing_read);

  /// An element of the partition was worked on since then. One that took long is remembered until its turn has ended.
  void note_time(Partition& partition, MonoTime began);
  void turn_dropped();
  /// @return the partition of which the turn has set an element aside; nullptr: of none.
  Partition* turn_committed();

 private:
  Partition* at_ = nullptr;
  bool failed_ = false;        // a trial of the same before
  Partition* slow_ = nullptr;  // it had an element that took long, in a turn that is under way
};

}  // namespace mas::gateway
