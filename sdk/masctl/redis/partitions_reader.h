// How many partitions the gateways have agreed on.
// Threading: none.
#pragma once

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// @return the number; kDefaultPartitions where no gateway has run yet. kRefused while it is being changed, and where
/// it is none: with a wrong number, partitions would be left out.
Result<unsigned> read_partitions(SyncRedis& redis, const Keys& keys);

}  // namespace mas::ctl
