// Waits that double, and random numbers that everybody draws alike.
#include "proto/wire/retry.h"

#include <algorithm>

#include "proto/base/bytes.h"
#include "proto/wire/keys.h"

namespace mas {
namespace {

constexpr WallMicros kMaxTime = INT64_MAX / 2;  // what is added to it does not overflow

WallMicros micros(Duration wait) { return std::chrono::duration_cast<std::chrono::microseconds>(wait).count(); }

/// SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

uint64_t retry_seed(std::string_view message_id) { return fnv1a64(message_id); }

Duration retry_delay(const RetryPolicy& policy, uint32_t attempt, uint64_t seed) {
  const Duration base = std::max(policy.base, Duration(1));
  const Duration cap = std::max(policy.cap, base);
  Duration ceiling = base;
  for (uint32_t i = 1; i < attempt && ceiling < cap; ++i) ceiling = ceiling > cap / 2 ? cap : 2 * ceiling;
  const Duration floor = base / 2;
  auto span = static_cast<uint64_t>((ceiling - floor).count()) + 1;
  return floor + Duration(static_cast<int64_t>(mixed(seed + attempt) % span));
}

RetryVerdict retry_failed(RetryState& state, const RetryPolicy& policy, WallMicros now, uint64_t seed) {
  now = std::clamp<WallMicros>(now, 0, kMaxTime);
  if (state.attempts < UINT32_MAX) ++state.attempts;
  RetryVerdict verdict;
  verdict.again = state.attempts < policy.attempts;
  verdict.due = std::min(now + micros(retry_delay(policy, state.attempts, seed)), kMaxTime);
  return verdict;
}

void RetryState::encode(std::string& out) const {
  ByteWriter(out).integer(attempts).integer(static_cast<uint64_t>(first));
}

Result<RetryState> RetryState::decode(std::string_view bytes) {
  ByteReader reader(bytes);
  RetryState state;
  state.attempts = reader.integer<uint32_t>();
  auto first = reader.integer<uint64_t>();
  bool legal = reader.ok() && reader.at_end() && state.attempts > 0 && first <= static_cast<uint64_t>(kMaxTime);
  if (!legal) return Error{Errc::kMalformed, "not the state of a retry"};
  state.first = static_cast<WallMicros>(first);
  return state;
}

}  // namespace mas
