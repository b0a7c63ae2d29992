// What single replies of Redis mean to the turn loop. Threading: none.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/redis/reply.h"

namespace mas::gateway {

/// @return whether an error of Redis is about what the key holds, and not about Redis (out of memory, read only, …).
inline bool is_the_keys(std::string_view error) { return error.starts_with("WRONGTYPE ") || error.starts_with("ERR "); }

/// @return microseconds from the answer to TIME; nullopt: it is no time.
inline std::optional<WallMicros> time_of(const redis::Reply& reply) {
  int64_t seconds = 0, micros = 0;
  if (!reply.is_array() || reply.count != 2) return std::nullopt;
  std::from_chars(reply[0].text.data(), reply[0].text.data() + reply[0].text.size(), seconds);
  std::from_chars(reply[1].text.data(), reply[1].text.data() + reply[1].text.size(), micros);
  return seconds * 1'000'000 + micros;
}

}  // namespace mas::gateway
