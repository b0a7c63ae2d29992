// Three buckets, reckoned in debts.
#include "daemons/gatewayd/limits/limiter.h"

#include <algorithm>

#include "proto/base/bytes.h"

namespace mas::gateway {

namespace {

constexpr uint64_t kMinute = 60'000'000;  // microseconds, and units of a token
constexpr uint64_t kHour = 60 * kMinute;
constexpr uint8_t kVersion = 1, kVersionWithBytes = 2;
constexpr WallMicros kMaxTime = INT64_MAX / 2;  // what is added to it does not overflow

/// One bucket as the settings and the moment make it. Largest values: kMaxRate * kHour = 3.6e18, kMaxByteRate * kMinute
/// = 6e18.
struct Bucket {
  uint64_t period;
  uint64_t rate;      // 0: no limit
  uint64_t capacity;  // tokens
  uint64_t cost;      // tokens of this message
  uint64_t& debt;

  void refill(uint64_t elapsed) {
    uint64_t credit;
    bool all = rate == 0 || __builtin_mul_overflow(elapsed, rate, &credit) || credit >= debt;
    debt = all ? 0 : std::min(debt - credit, capacity * period);
  }
  bool too_small() const { return rate > 0 && cost > capacity; }
  /// @return microseconds until there are as many tokens as it costs; 0: they are there. Not when it is too small.
  uint64_t wait() const {
    uint64_t with_it = debt + cost * period;
    if (rate == 0 || with_it <= capacity * period) return 0;
    return (with_it - capacity * period + rate - 1) / rate;
  }
  void take() {
    if (rate > 0) debt += cost * period;
  }
};

/// Moves the state's time to `now`. @return the microseconds that bring tokens back.
uint64_t advance(LimiterState& state, WallMicros now) {
  WallMicros before = state.updated;
  if (now < before && before - now <= kToleratedStep) return 0;
  state.updated = now;
  return now > before ? static_cast<uint64_t>(now - before) : 0;
}

}  // namespace

TakeResult take(LimiterState& state, const LimitSettings& settings, WallMicros now, uint64_t message_bytes) {
  now = std::clamp<WallMicros>(now, 0, kMaxTime);
  Bucket minute{kMinute, settings.per_minute, settings.minute_capacity(), 1, state.minute_debt};
  Bucket hour{kHour, settings.per_hour, settings.hour_capacity(), 1, state.hour_debt};
  Bucket bytes{kMinute, settings.bytes_per_minute, settings.byte_capacity(), message_bytes, state.byte_debt};
  uint64_t elapsed = advance(state, now);
  minute.refill(elapsed);
  hour.refill(elapsed);
  bytes.refill(elapsed);

  if (bytes.too_small()) return {false, LimitPeriod::kBytes, 0};
  uint64_t minute_wait = minute.wait();
  uint64_t hour_wait = hour.wait();
  uint64_t byte_wait = bytes.wait();
  uint64_t longest = std::max({minute_wait, hour_wait, byte_wait});
  if (longest == 0) {
    minute.take();
    hour.take();
    bytes.take();
    return {};
  }
  LimitPeriod period = longest == minute_wait ? LimitPeriod::kMinute
                       : longest == hour_wait ? LimitPeriod::kHour
                                              : LimitPeriod::kBytes;
  // The clock that stepped back has to catch up before anything flows.
  return {false, period, longest + static_cast<uint64_t>(state.updated - now)};
}

std::string TakeResult::describe(const LimitSettings& settings) const {
  if (period == LimitPeriod::kBytes)
    return std::to_string(settings.bytes_per_minute) + " bytes per minute, burst " +
           std::to_string(settings.byte_capacity()) +
           (retry_after_micros == 0 ? "; the message is larger than that" : "");
  bool by_hour = period == LimitPeriod::kHour;
  return std::to_string(by_hour ? settings.per_hour : settings.per_minute) + (by_hour ? " per hour" : " per minute") +
         ", burst " + std::to_string(by_hour ? settings.hour_capacity() : settings.minute_capacity());
}

void LimiterState::encode(std::string& out) const {
  ByteWriter writer(out);
  writer.integer(byte_debt > 0 ? kVersionWithBytes : kVersion).integer(static_cast<uint64_t>(updated));
  writer.integer(minute_debt).integer(hour_debt);
  if (byte_debt > 0) writer.integer(byte_debt);
}

Result<LimiterState> LimiterState::decode(std::string_view bytes) {
  ByteReader reader(bytes);
  auto version = reader.integer<uint8_t>();
  auto updated = reader.integer<uint64_t>();
  LimiterState state;
  state.minute_debt = reader.integer<uint64_t>();
  state.hour_debt = reader.integer<uint64_t>();
  const bool has_bytes = version == kVersionWithBytes;
  if (has_bytes) state.byte_debt = reader.integer<uint64_t>();
  bool legal = reader.ok() && reader.at_end() && (version == kVersion || (has_bytes && state.byte_debt > 0)) &&
               state.byte_debt <= kMaxByteRate * kMinute && updated <= static_cast<uint64_t>(kMaxTime) &&
               state.minute_debt <= kMaxRate * kMinute && state.hour_debt <= kMaxRate * kHour;
  if (!legal) return Error{Errc::kMalformed, "not the state of a rate limiter (version 1 or 2)"};
  state.updated = static_cast<WallMicros>(updated);
  return state;
}

}  // namespace mas::gateway
