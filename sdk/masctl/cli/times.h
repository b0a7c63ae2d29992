// Times and durations as people write them on a command line, and as they read them. Pure: the clock's time is given.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::ctl {

/// @return seconds of a command line, "2", "0.5", as a duration; kInvalidArgument unless 0 < value ≤ 86,400.
Result<Duration> parse_seconds(std::string_view text);

/// @return a period of a command line, a whole number with its unit: "45s", "90m", "24h", "30d"; kInvalidArgument
/// unless it is above 0 and at most 36,500 days.
Result<Duration> parse_period(std::string_view text);

/// @param text a time in RFC 3339 (UTC: "2026-11-24T12:00:00Z", "2026-11-24"), seconds since 1970, or how long ago:
/// "90s", "15m", "2h", "3d". @return kInvalidArgument with what was expected.
Result<WallMicros> parse_when(std::string_view text, WallMicros now);

/// Parses the time of an option. @param flag "--since". @param text empty: the option was not given.
/// @param ret_time stays as it is unless the option was given. @return kInvalidArgument that names the flag.
Status parse_bound(std::string_view flag, const std::string& text, WallMicros now, WallMicros& ret_time);

/// @return RFC 3339 in UTC: "2026-11-24T12:00:00.000000Z".
std::string time_text(WallMicros time);

}  // namespace mas::ctl
