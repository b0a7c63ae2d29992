// `partitions set` on a Redis Cluster, where what moves is in the slots of many partitions, and no transaction covers
// them.
//
//     look ──▶ mark ──▶ fence ──▶ look again ──▶ move ──▶ agree
//       └─ refused       └───────────┴─ refused: the mark is taken away, unless it was there before
//
// Happy path: nobody works, nothing waits that would be lost or overtaken. The mark stands in the place of the number
// of partitions in mas.config: gateways take no partition and decide nothing while it is there, and agents do not
// start. Raised epochs end what a gateway may still be doing. Then every sender's state and every message that waits to
// be delivered again goes to its partition: copied there, then deleted here. At last mas.config has the new number.
// Failure: whatever fails once it moves, or a masctl that dies, leaves the mark. Nothing is lost then, since each move
// is made again: the command, with the same number or another one, goes on from there.
// Two at once: the second is refused, by a lease that is renewed all the time. A command that was suspended for longer
// than the lease writes nothing any more: each step is refused by Redis unless the partitions' epochs are those that
// the command raised.
// Fail-over: the mark, and what was copied, is confirmed by the replicas before anything depends on it.
// Threading: one thread. Ownership: views what it is made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/partitions.h"
#include "sdk/masctl/redis/replica_confirm.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

class PartitionsChange {
 public:
  /// @param who for the operators' record.
  PartitionsChange(SyncRedis& redis, const Keys& keys, unsigned to, std::string who)
      : redis_(redis), keys_(keys), to_(to), who_(std::move(who)), replicas_(redis) {}

  /// @return how many there were; of a change that was not finished, at most.
  Result<unsigned> run();

 private:
  Status take_lease();
  Status hold();
  Status renew_lease();
  void give_lease_back();
  Result<unsigned> change();
  Error unfinished(const Error& why) const;
  Status look();
  Status nobody_works();
  Status nothing_waits();
  Status nothing_is_held();
  Status no_message_waits();
  Status replace(const std::string& expected, const std::string& by);
  Status record(unsigned before);
  Status fence();
  Status begin(const std::string& found, bool begun);
  void append_fenced(redis::Command& command, unsigned partition, const std::string& key,
                     const std::vector<std::string_view>& words) const;
  Status move_all();
  Status flush(unsigned partition, const std::string& key, const redis::Command& copies,
               const std::vector<std::string_view>& remove);
  Status move_senders(unsigned partition);
  Status move_retries(unsigned partition);

  SyncRedis& redis_;
  const Keys& keys_;
  const unsigned to_;
  const std::string who_;
  std::string lease_owner_;
  MonoTime renewed_{};
  PartitionsMark mark_;
  std::vector<std::string> epochs_;  // that this command raised, by partition
  ReplicaConfirm replicas_;
};

}  // namespace mas::ctl
