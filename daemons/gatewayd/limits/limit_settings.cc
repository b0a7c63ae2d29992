// Texts to numbers, and an agent's fields over the defaults.
#include "daemons/gatewayd/limits/limit_settings.h"

#include <charconv>

#include "proto/base/ids.h"

namespace mas::gateway {

std::optional<uint32_t> parse_rate(std::string_view text) {
  uint32_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || value > kMaxRate) return std::nullopt;
  return value;
}

Result<LimitSettings> parse_limits(std::span<const std::optional<std::string_view>> values,
                                   const LimitSettings& defaults) {
  std::array<std::optional<uint32_t>, kLimitFields.size()> own;
  for (size_t i = 0; i < own.size() && i < values.size(); ++i) {
    if (!values[i]) continue;
    own[i] = parse_rate(*values[i]);
    if (!own[i])
      return Error{Errc::kMalformed, std::string(kLimitFields[i]) + " is '" + printable(*values[i]) +
                                         "', expected a whole number from 0 (no limit) to " + std::to_string(kMaxRate)};
  }
  const auto& [per_minute, per_hour, burst] = own;
  LimitSettings settings;
  settings.per_minute = per_minute.value_or(defaults.per_minute);
  settings.per_hour = per_hour.value_or(defaults.per_hour);
  bool own_rate = per_minute || (settings.per_minute == 0 && per_hour);
  settings.burst = burst.value_or(own_rate ? 0 : defaults.burst);
  return settings;
}

Result<std::optional<uint32_t>> parse_attempts(std::optional<std::string_view> value) {
  if (!value) return std::optional<uint32_t>();
  auto number = parse_rate(*value);
  if (number && *number >= 1 && *number <= kMostAttempts) return number;
  return Error{Errc::kMalformed, std::string(kAttemptsField) + " is '" + printable(*value) +
                                     "', expected a whole number from 1 to " + std::to_string(kMostAttempts)};
}

std::string LimitSettings::describe() const {
  if (unlimited()) return "no limit";
  std::string text;
  if (per_minute > 0) text = std::to_string(per_minute) + " per minute";
  if (per_hour > 0) text += (text.empty() ? "" : ", ") + std::to_string(per_hour) + " per hour";
  return text + ", burst " + std::to_string(per_minute > 0 ? minute_capacity() : hour_capacity());
}

}  // namespace mas::gateway
