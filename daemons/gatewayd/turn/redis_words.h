// What single replies of Redis mean to the turns. Pure. Threading: none.
#pragma once

#include <algorithm>
#include <string_view>

#include "daemons/gatewayd/turn/partition.h"
#include "proto/base/numbers.h"
#include "proto/redis/reply.h"

namespace mas::gateway {

/// @return whether an error of Redis is about what the key holds, and not about Redis (out of memory, read only, …).
inline bool is_the_keys(std::string_view error) { return error.starts_with("WRONGTYPE ") || error.starts_with("ERR "); }

/// @param reply [member, score] of a sorted set of retries. @return when it is due; Partition::kNoRetry: there is none.
inline WallMicros due_of(const redis::Reply& reply) {
  if (!reply.is_array() || reply.count != 2) return Partition::kNoRetry;
  const double score = parse_number<double>(reply[1].text).value_or(0);
  return score < 9e18 ? static_cast<WallMicros>(std::max(score, 0.0)) : Partition::kNoRetry;
}

/// Takes the answer to MEMORY USAGE of the partition's list. Without it nothing bounds a read.
/// @return the error, if Redis gave one.
inline Status take_list_bytes(Partition& partition, const redis::Reply& reply) {
  if (reply.is_error()) return Error{Errc::kRefused, "MEMORY USAGE: " + std::string(reply.text)};
  if (!partition.epoch.empty()) partition.list_bytes = reply.is_integer() ? static_cast<uint64_t>(reply.integer) : 0;
  return {};
}

}  // namespace mas::gateway
