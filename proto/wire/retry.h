// The retry schedule of a message whose handler failed: when it is due again, and when it is given up.
//
// Exponential backoff with jitter: the wait after attempt n is uniform in [base/2, min(cap, base·2ⁿ⁻¹)], the "full
// jitter" of M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015) above a floor, so that messages
// that failed together do not come back together, and none at once. The random number is derived from a seed and the
// attempt, so every process computes the same time, also after a restart.
//
//     first delivery ──fails──▶ waiting until it is due ──▶ delivered again
//                                  ▲──────────fails──────────┘   └──fails, attempts used up──▶ dead letter
//
// A message that failed carries a RetryState: how often it failed, and when it was first delivered.
//
// Failure: decode() refuses anything that encode() would not write.
// Threading: plain data and pure functions. No allocation but in encode().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas {

struct RetryPolicy {
  Duration base = std::chrono::seconds(1);  ///< initial delay; positive
  Duration cap = std::chrono::minutes(5);   ///< longest delay
  uint32_t attempts = 5;                    ///< deliveries before it is given up, the first included; at least 1
};

struct RetryState {
  uint32_t attempts = 0;  ///< deliveries that failed
  WallMicros first = 0;   ///< when it was first delivered; not negative

  bool operator==(const RetryState&) const = default;

  static constexpr size_t kEncodedBytes = 4 + 8;
  /// Appends `u32 attempts · u64 first`, little-endian.
  void encode(std::string& out) const;
  /// @return kMalformed for another size, no attempt, or an invalid time.
  static Result<RetryState> decode(std::string_view bytes);
};

/// What a failure means.
struct RetryVerdict {
  bool again = false;  ///< false: it becomes a dead letter
  WallMicros due = 0;  ///< when it may be delivered again
};

/// @return the seed of a message, the same in every process.
uint64_t retry_seed(std::string_view message_id);

/// @param attempt the one that failed, from 1. @return the wait before the next.
Duration retry_delay(const RetryPolicy& policy, uint32_t attempt, uint64_t seed);

/// A delivery failed: counts it and says what follows. A policy that changed holds from here on.
RetryVerdict retry_failed(RetryState& state, const RetryPolicy& policy, WallMicros now, uint64_t seed);

}  // namespace mas
