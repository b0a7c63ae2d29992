// The limits of an agent: messages per minute, per hour and at once, bytes per minute. They come from the configuration
// and from the hash `ratelimit:{id}:limits`.
//
// Failure is closed: a value that cannot be read is an error with a sentence, never "no limit".
// Threading: plain data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace mas::gateway {

/// The largest rate and burst: what keeps the arithmetic of the buckets within 64 bits.
inline constexpr uint32_t kMaxRate = 1'000'000'000;
/// Likewise of bytes.
inline constexpr uint64_t kMaxByteRate = 100'000'000'000;

struct LimitSettings {
  uint32_t per_minute = 0;        ///< 0: no limit
  uint32_t per_hour = 0;          ///< 0: no limit
  uint32_t burst = 0;             ///< how many at once; 0: as many as the rate it belongs to
  uint64_t bytes_per_minute = 0;  ///< of envelopes; 0: no limit
  uint64_t burst_bytes = 0;       ///< how many at once; 0: a minute's

  bool operator==(const LimitSettings&) const = default;

  bool unlimited() const { return per_minute == 0 && per_hour == 0 && bytes_per_minute == 0; }
  /// What the minute's bucket holds.
  uint32_t minute_capacity() const { return burst > 0 ? burst : per_minute; }
  /// What the hour's bucket holds: the burst belongs to the shorter of the periods that have a limit.
  uint32_t hour_capacity() const { return burst > 0 && per_minute == 0 ? burst : per_hour; }

  uint64_t byte_capacity() const { return burst_bytes > 0 ? burst_bytes : bytes_per_minute; }

  /// "10 per minute, 100 per hour, burst 20, 65536 bytes per minute, burst 65536"; "no limit".
  std::string describe() const;
};

/// The fields of `ratelimit:{id}:limits`, in the order that parse_limits() takes their values in.
inline constexpr std::array<std::string_view, 5> kLimitFields = {"per_minute", "per_hour", "burst", "bytes_per_minute",
                                                                 "burst_bytes"};
/// The largest value of each.
inline constexpr std::array<uint64_t, kLimitFields.size()> kLimitMost = {kMaxRate, kMaxRate, kMaxRate, kMaxByteRate,
                                                                         kMaxByteRate};

/// Another field of that hash: how often a message is delivered to the agent before it is given up, the first time
/// included.
inline constexpr std::string_view kAttemptsField = "attempts";
inline constexpr uint32_t kMaxAttempts = 1000;

/// @param value nullopt: the field is missing. @return kMalformed unless it is a whole number from 1 to kMaxAttempts.
Result<std::optional<uint32_t>> parse_attempts(std::optional<std::string_view> value);

/// @param values of kLimitFields as HMGET answered them; nullopt: the field is missing and `defaults` hold. The burst
/// of the defaults goes with their rate: an agent with a rate of its own and no burst may send that rate at once.
/// @return kMalformed that names the field and what was expected.
Result<LimitSettings> parse_limits(std::span<const std::optional<std::string_view>> values,
                                   const LimitSettings& defaults);

/// All fields of that hash, in the order that read_own_limits() takes their values in.
inline constexpr std::array<std::string_view, kLimitFields.size() + 1> kOwnLimitFields = {
    kLimitFields[0], kLimitFields[1], kLimitFields[2], kLimitFields[3], kLimitFields[4], kAttemptsField};

/// What an agent's hash says.
struct OwnLimits {
  bool any = false;  ///< it has at least one of kLimitFields
  Result<LimitSettings> limits = LimitSettings{};
  Result<std::optional<uint32_t>> attempts = std::optional<uint32_t>();
};

/// @param values of kOwnLimitFields as HMGET answered them; another number of them is kMalformed.
OwnLimits read_own_limits(std::span<const std::optional<std::string_view>> values, const LimitSettings& defaults);

/// @param most one of kLimitMost. @return a rate or burst from its decimal text: 0 to `most`; nullopt for anything
/// else.
std::optional<uint64_t> parse_rate(std::string_view text, uint64_t most = kMaxRate);

}  // namespace mas::gateway
