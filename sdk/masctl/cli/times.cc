// Numbers with a unit, calendar times.
#include "sdk/masctl/cli/times.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

constexpr int64_t kSecond = 1'000'000;

/// Seconds of a unit that a duration may end with; 0: not a unit.
int64_t unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

/// A number without an exponent.
std::optional<double> decimal(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<double> number(std::string_view text) {
  auto value = decimal(text);
  return value && *value >= 0 && *value < 1e11 ? value : std::nullopt;
}

/// "2026-11-24", "2026-11-24T12:00:00Z", "2026-11-24 12:00:00.25".
std::optional<WallMicros> calendar_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  int fields = std::sscanf(text.c_str(), "%4d-%2d-%2d%n%*1[T ]%2d:%2d:%9lf%n", &year, &month, &day, &used, &hour,
                           &minute, &second, &used);
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(used));
  bool date = fields == 3 && rest.empty();
  bool time = fields == 6 && (rest.empty() || rest == "Z");
  std::chrono::year_month_day when{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  bool in_range =
      when.ok() && year >= 1970 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 61;
  if (!(date || time) || !in_range) return std::nullopt;
  int64_t days = std::chrono::sys_days(when).time_since_epoch().count();
  return (days * 86400 + hour * 3600 + minute * 60) * kSecond + std::llround(second * kSecond);
}

}  // namespace

Result<Duration> parse_seconds(std::string_view text) {
  auto seconds = decimal(text);
  if (!seconds || !(*seconds > 0) || *seconds > 86400) {
    return Error{
        Errc::kInvalidArgument,
        "'" + visible(text) + "' is not a number of seconds; expected one like 2 or 0.5, above 0 and at most 86400"};
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
}

Result<Duration> parse_period(std::string_view text) {
  constexpr int64_t kMaxSeconds = int64_t{36'500} * 86'400;
  const int64_t seconds = text.empty() ? 0 : unit_seconds(text.back());
  const auto count = parse_number<int64_t>(text.substr(0, text.empty() ? 0 : text.size() - 1));
  if (!count || seconds == 0 || *count <= 0 || *count > kMaxSeconds / seconds)
    return Error{Errc::kInvalidArgument,
                 "'" + visible(text) +
                     "' is not a duration; expected one like 45s, 90m, 24h or 30d, above 0 and at most 36500d"};
  return Duration(std::chrono::seconds(*count * seconds));
}

Result<WallMicros> parse_when(std::string_view text, WallMicros now) {
  int64_t unit = text.empty() ? 0 : unit_seconds(text.back());
  if (unit != 0) {
    auto ago = number(text.substr(0, text.size() - 1));
    if (ago) return now - std::llround(*ago * static_cast<double>(unit * kSecond));
  } else if (auto seconds = number(text)) {
    return std::llround(*seconds * kSecond);
  } else if (auto time = calendar_time(std::string(text))) {
    return *time;
  }
  return Error{Errc::kInvalidArgument, "'" + printable(text) +
                                           "' is not a time; expected one like 2026-11-24T12:00:00Z or 2026-11-24 "
                                           "(UTC), seconds since 1970, or an age: 90s, 15m, 2h, 3d"};
}

Status parse_bound(std::string_view flag, const std::string& text, WallMicros now, WallMicros& ret_time) {
  if (text.empty()) return {};
  auto time = parse_when(text, now);
  if (!time.ok()) return time.error().in(flag);
  ret_time = *time;
  return {};
}

std::string time_text(WallMicros time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

}  // namespace mas::ctl
