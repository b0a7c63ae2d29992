// The rate limiter of one sender: three token buckets. One refills by the minute's rate of messages, one by the hour's,
// one by the minute's rate of bytes.
//
// A message passes when each bucket holds what it costs: one token, and of the third as many as it has bytes. It takes
// that of each; a refused message takes nothing. In any span of t seconds at most capacity + rate * t messages, or
// bytes, pass, for any bucket. So a message that is larger than the third holds never passes.
//
// The arithmetic is exact. What is kept of a bucket is its debt: what was taken and has not flowed back, in units of
// which a token has as many as its period has microseconds; a microsecond brings back `rate` of them. So there are only
// whole numbers, nothing is rounded, and a debt of 0 is a full bucket: a state of zeros is a new sender.
//
// Settings that change take effect with the next message: the time since the last one counts at the new rate, a debt is
// cut to the new capacity (so that nobody waits longer than the new rate asks for), a larger burst can be used at once.
// A bucket without a limit has no debt.
//
// Time that goes back by up to kToleratedStep brings nothing until it has caught up; by more, it is the new time to
// count from. Neither gives a token twice for the same microsecond of a clock that only stepped once.
// Threading: plain data and pure functions. No allocation but in encode().
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemons/gatewayd/limits/limit_settings.h"
#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::gateway {

/// How far the clock may go back and be waited for.
inline constexpr WallMicros kToleratedStep = 10'000'000;

/// What must be remembered of a sender, by whoever owns its partition.
struct LimiterState {
  WallMicros updated = 0;    ///< when the debts were last reckoned; 0: never
  uint64_t minute_debt = 0;  ///< in 1/60,000,000 of a token
  uint64_t hour_debt = 0;    ///< in 1/3,600,000,000 of a token
  uint64_t byte_debt = 0;    ///< in 1/60,000,000 of a byte

  bool operator==(const LimiterState&) const = default;

  static constexpr size_t kEncodedBytes = 1 + 8 + 8 + 8;  ///< and 8 with a debt of bytes
  /// Appends the state as `u8 version (1) · u64 updated · u64 minute debt · u64 hour debt`, little-endian; where there
  /// is a debt of bytes with version 2 and that as another u64.
  void encode(std::string& out) const;
  /// @return kMalformed for another version or size, or for values that no limiter leaves behind.
  static Result<LimiterState> decode(std::string_view bytes);
};

enum class LimitPeriod : uint8_t { kMinute, kHour, kBytes };

struct TakeResult {
  bool allowed = true;
  LimitPeriod period = LimitPeriod::kMinute;  ///< when refused: whose bucket is to be waited for
  uint64_t retry_after_micros = 0;  ///< when refused: when a message would pass, if no other did before; 0: never

  /// Rounded up, as a receipt has it. Of messages never more than an hour and kToleratedStep.
  uint32_t retry_after_ms() const {
    return static_cast<uint32_t>(std::min<uint64_t>((retry_after_micros + 999) / 1000, UINT32_MAX));
  }
  /// The rule as it stands in the audit log: "10 per minute, burst 20".
  std::string describe(const LimitSettings& settings) const;
};

/// Takes of each bucket what a message of so many bytes costs, or nothing. @param now microseconds of the clock of
/// Redis.
/// @param settings within kLimitMost. @param bytes at most 1 TiB.
TakeResult take(LimiterState& state, const LimitSettings& settings, WallMicros now, uint64_t bytes = 0);

}  // namespace mas::gateway
