// What a turn is bounded by, and the policy that it decides by.
#pragma once

#include <algorithm>
#include <string>

#include "daemons/gatewayd/limits/limit_settings.h"
#include "daemons/gatewayd/policy/policy.h"
#include "proto/base/clock.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

struct TurnOptions {
  std::string ns;  ///< the namespace, as the MAC has it
  Policy policy;
  LimitSettings default_limits;
  size_t max_envelope = limits::kEnvelopeBytes;
  size_t messages = 50'000;         ///< of one turn, about
  size_t bytes = 32 * 1024 * 1024;  ///< of one turn, about
  size_t cached_agents = 100'000;
  /// Lists that are not weighed first bring so many turns' bytes at most in one read.
  static constexpr size_t kWholeReads = 4;
  /// Of one element that is read. A frame that is too large by less than this is refused with its numbers.
  size_t element_bytes() const { return std::max<size_t>(16 * 1024 * 1024, 4 * max_envelope); }
  int64_t wait_replicas = 0;  ///< receipts wait until so many replicas have the commit
  Duration wait_timeout = std::chrono::milliseconds(500);
};

}  // namespace mas::gateway
