// Texts to numbers, and an agent's fields over the defaults.
#include "daemons/gatewayd/limits/limit_settings.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas::gateway {

std::optional<uint64_t> parse_rate(std::string_view text, uint64_t most) {
  auto value = parse_number<uint64_t>(text);
  return value && *value <= most ? value : std::nullopt;
}

Result<LimitSettings> parse_limits(std::span<const std::optional<std::string_view>> values,
                                   const LimitSettings& defaults) {
  std::array<std::optional<uint64_t>, kLimitFields.size()> own;
  for (size_t i = 0; i < own.size() && i < values.size(); ++i) {
    if (!values[i]) continue;
    own[i] = parse_rate(*values[i], kLimitMost[i]);
    if (!own[i])
      return Error{Errc::kMalformed, std::string(kLimitFields[i]) + " is '" + printable(*values[i]) +
                                         "', expected a whole number from 0 (no limit) to " +
                                         std::to_string(kLimitMost[i])};
  }
  const auto& [per_minute, per_hour, burst, bytes_per_minute, burst_bytes] = own;
  LimitSettings settings;
  settings.per_minute = static_cast<uint32_t>(per_minute.value_or(defaults.per_minute));
  settings.per_hour = static_cast<uint32_t>(per_hour.value_or(defaults.per_hour));
  bool own_rate = per_minute || (settings.per_minute == 0 && per_hour);
  settings.burst = static_cast<uint32_t>(burst.value_or(own_rate ? 0 : defaults.burst));
  settings.bytes_per_minute = bytes_per_minute.value_or(defaults.bytes_per_minute);
  settings.burst_bytes = burst_bytes.value_or(bytes_per_minute ? 0 : defaults.burst_bytes);
  return settings;
}

Result<std::optional<uint32_t>> parse_attempts(std::optional<std::string_view> value) {
  if (!value) return std::optional<uint32_t>();
  auto number = parse_rate(*value);
  if (number && *number >= 1 && *number <= kMaxAttempts) return std::optional(static_cast<uint32_t>(*number));
  return Error{Errc::kMalformed, std::string(kAttemptsField) + " is '" + printable(*value) +
                                     "', expected a whole number from 1 to " + std::to_string(kMaxAttempts)};
}

OwnLimits read_own_limits(std::span<const std::optional<std::string_view>> values, const LimitSettings& defaults) {
  OwnLimits own;
  if (values.size() != kOwnLimitFields.size()) {
    own.limits = Error{Errc::kMalformed, "the limits cannot be read"};
    return own;
  }
  const auto limits = values.first(kLimitFields.size());
  own.any = std::any_of(limits.begin(), limits.end(), [](const auto& value) { return value.has_value(); });
  own.limits = parse_limits(limits, defaults);
  own.attempts = parse_attempts(values.back());
  return own;
}

std::string LimitSettings::describe() const {
  if (unlimited()) return "no limit";
  std::string text;
  if (per_minute > 0) text = std::to_string(per_minute) + " per minute";
  if (per_hour > 0) text += (text.empty() ? "" : ", ") + std::to_string(per_hour) + " per hour";
  if (!text.empty()) text += ", burst " + std::to_string(per_minute > 0 ? minute_capacity() : hour_capacity());
  if (bytes_per_minute == 0) return text;
  text += (text.empty() ? "" : ", ") + std::to_string(bytes_per_minute) + " bytes per minute";
  return text + ", burst " + std::to_string(byte_capacity());
}

}  // namespace mas::gateway
