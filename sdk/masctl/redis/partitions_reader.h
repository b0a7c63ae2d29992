// How many partitions the gateways have agreed on.
// Threading: none.
#pragma once

#include "proto/wire/partitions.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// @return the field as it is. kRefused where it is neither a number nor the mark of a change.
Result<PartitionsField> read_partitions_field(SyncRedis& redis, const Keys& keys);

/// @return the number; kDefaultPartitions where no gateway has run yet. kRefused also while it is being changed: with a
/// wrong number, partitions would be left out.
Result<unsigned> read_partitions(SyncRedis& redis, const Keys& keys);

}  // namespace mas::ctl
