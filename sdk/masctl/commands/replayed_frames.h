// Frames that a gateway made of dead letters, of records of the archive or of held messages, and that wait in an
// ingress list. No sender sends them again: whoever removes the list would lose them.
// Threading: none.
#pragma once

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// @return kRefused with the partition, where such a frame waits in one of `partitions`.
Status no_replayed_frames(SyncRedis& redis, const Keys& keys, unsigned partitions);

}  // namespace mas::ctl
