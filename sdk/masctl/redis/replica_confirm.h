// Whether what masctl wrote is at the replicas, so that no fail-over takes it back (WAIT).
//
// Happy path: find() counts the replicas that follow each primary; each confirm() asks every primary that has some to
// wait for all of them. WAIT covers all earlier writes of its link, and masctl has one link to each node.
// Failure: kRefused where a replica does not confirm within kWithin, and where the primaries are others than at find():
// what was written may be lost with the one that is gone. Redis's errors are those of the call.
// Threading: none. Ownership: views the connection.
#pragma once

#include <map>

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

class ReplicaConfirm {
 public:
  static constexpr Duration kWithin = std::chrono::seconds(2);

  explicit ReplicaConfirm(SyncRedis& redis) : redis_(redis) {}

  Status find();
  Status confirm();

 private:
  SyncRedis& redis_;
  std::map<redis::Node, size_t> replicas_;  // of each primary
};

}  // namespace mas::ctl
