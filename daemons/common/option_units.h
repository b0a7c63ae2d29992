// Numbers with units as people write them: "30s", "16MiB". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.h"

namespace mas::common {

/// @return the integer in decimal, with an optional '-'; nullopt for anything else or past 64 bits.
std::optional<int64_t> parse_integer(std::string_view text);

/// @return the duration that "500ms", "30s", "5m", "1h" or "1m30s" means (units us, ms, s, m, h); nullopt for
/// anything else or past 292 years.
std::optional<Duration> parse_duration(std::string_view text);
/// @return the text in whole units, "1m30s", that parse_duration reads back; what is below 1 µs is dropped.
std::string duration_text(Duration value);

/// @return the bytes that "16MiB", "64KiB", "1GiB", "512B" or "512" means; nullopt for anything else.
std::optional<uint64_t> parse_size(std::string_view text);
std::string size_text(uint64_t value);

/// @return `url` with "***" for each password in it; nothing is shown after that of Sentinel.
std::string hide_password(std::string_view url);

}  // namespace mas::common
