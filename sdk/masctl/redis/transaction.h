// Several commands as one transaction.
//
// On a cluster there is a transaction per slot, in the order of `commands`; the last command is the record of who
// changes what, and is written first: a change that fails may leave a record, but none is made without one.
#pragma once

#include <vector>

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// Sends `commands` between MULTI and EXEC, in one write.
/// @return their values. An error of any of them is the error (Redis has done the others, as it always does: none is
/// sent here that can fail but for a key of another type or a Redis without memory); kRefused when a WATCHed key
/// changed.
Result<std::vector<Value>> transact(SyncRedis& redis, const redis::Command& commands);

}  // namespace mas::ctl
