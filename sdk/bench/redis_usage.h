// What Redis did between two looks: its processor time, and how many ingress frames came.
//
// Happy path: look() before and after; the difference of two looks is what happened between them, by everybody.
// Failure: Redis's is the error of the call.
#pragma once

#include <cstdint>

#include "sdk/bench/raw_link.h"

namespace mas::ctl {

struct RedisUsage {
  uint64_t cpu = 0;     ///< nanoseconds
  uint64_t frames = 0;  ///< calls of RPUSH

  RedisUsage operator-(const RedisUsage& earlier) const { return {cpu - earlier.cpu, frames - earlier.frames}; }
  void operator+=(const RedisUsage& more) { cpu += more.cpu, frames += more.frames; }
};

Result<RedisUsage> look_at_redis(RawLink& link);

/// @return used_cpu_user + used_cpu_sys in nanoseconds.
Result<uint64_t> redis_cpu_nanos(RawLink& link);

}  // namespace mas::ctl
