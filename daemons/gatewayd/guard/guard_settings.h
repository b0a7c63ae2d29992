// Settings of the runaway guard: limits for a chain of messages, budgets for conversations and pairs.
#pragma once

#include <chrono>
#include <cstdint>

#include "proto/base/clock.h"

namespace mas::gateway {

struct GuardSettings {
  int64_t max_hops = 32;        ///< how often a message may have been passed on
  int64_t max_visits = 8;       ///< how often its target may stand in a message's chain, its sender included
  int64_t conversation = 1000;  ///< messages of one conversation in a window; 0: no limit
  int64_t pair = 0;             ///< messages of one sender to one target in a window; 0: no limit
  Duration window = std::chrono::minutes(1);
  int64_t counters = 65'536;  ///< that are kept; rounded up to a power of two

  bool operator==(const GuardSettings&) const = default;
};

}  // namespace mas::gateway
