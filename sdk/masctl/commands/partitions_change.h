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
// Two at once: the second is refused, by a lease.
// Threading: one thread. Ownership: views what it is made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// What mas.config has in the place of the number while it is being changed: "changing:8:64".
struct PartitionsMark {
  unsigned to = 0;
  unsigned most = 0;  ///< partitions that may have something: not fewer than there were, and will be

  std::string text() const;
  static std::optional<PartitionsMark> parse(std::string_view text);
};

class PartitionsChange {
 public:
  /// @param who for the operators' record.
  PartitionsChange(SyncRedis& redis, const Keys& keys, unsigned to, std::string who)
      : redis_(redis), keys_(keys), to_(to), who_(std::move(who)) {}

  /// @return how many there were; of a change that was not finished, at most.
  Result<unsigned> run();

 private:
  Status take_lease();
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
  Status move_all();
  Status move_senders(unsigned partition);
  Status move_retries(unsigned partition);

  SyncRedis& redis_;
  const Keys& keys_;
  const unsigned to_;
  const std::string who_;
  std::string lease_owner_;
  PartitionsMark mark_;
};

}  // namespace mas::ctl
