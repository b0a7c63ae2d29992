// What Redis did between two looks: its processor time, and how often the commands ran that carry messages.
//
// Happy path: look() before and after; the difference of two looks is what happened between them, by everybody.
// Failure: Redis's is the error of the call.
#pragma once

#include <cstdint>

#include "sdk/masctl/bench/raw_link.h"

namespace mas::ctl {

struct RedisUsage {
  uint64_t cpu = 0;                             ///< nanoseconds
  uint64_t frames = 0, turns = 0, entries = 0;  ///< calls of RPUSH, EVAL and XADD (audit blocks included)

  RedisUsage operator-(const RedisUsage& earlier) const {
    return {cpu - earlier.cpu, frames - earlier.frames, turns - earlier.turns, entries - earlier.entries};
  }
  void operator+=(const RedisUsage& more) {
    cpu += more.cpu, frames += more.frames, turns += more.turns, entries += more.entries;
  }
};

Result<RedisUsage> look_at_redis(RawLink& link);

/// @return used_cpu_user + used_cpu_sys in nanoseconds.
Result<uint64_t> redis_cpu_nanos(RawLink& link);

}  // namespace mas::ctl
