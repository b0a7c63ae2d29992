// Whether a command that runs once waits for another attempt to connect.
#pragma once

#include "proto/base/result.h"
#include "proto/redis/url.h"

namespace mas::ctl {

/// @return true with Sentinel: each attempt asks the sentinels anew, and may lead to another server.
inline bool next_attempt_may_succeed(const redis::Endpoint& endpoint, const Error& why) {
  return endpoint.topology == redis::Topology::kSentinel && errc_retriable(why.code);
}

}  // namespace mas::ctl
