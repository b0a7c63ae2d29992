// The answer to TIME. Threading: none.
#pragma once

#include <charconv>
#include <optional>

#include "proto/base/clock.h"
#include "proto/redis/reply.h"

namespace mas::redis {

/// @return Redis's clock in microseconds since 1970; nullopt: the reply is no time.
inline std::optional<WallMicros> time_of(const Reply& reply) {
  int64_t seconds = 0, micros = 0;
  if (!reply.is_array() || reply.count != 2) return std::nullopt;
  std::from_chars(reply[0].text.data(), reply[0].text.data() + reply[0].text.size(), seconds);
  std::from_chars(reply[1].text.data(), reply[1].text.data() + reply[1].text.size(), micros);
  return seconds * 1'000'000 + micros;
}

}  // namespace mas::redis
