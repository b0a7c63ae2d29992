// Settings of circuit breakers: what opens a circuit, for how long, and what happens to messages while it is open.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "proto/base/clock.h"

namespace mas::gateway {

/// What becomes of a message while its target's breaker is open.
enum class OnOpen : uint8_t {
  kRefuse,      ///< CIRCUIT_OPEN, its sender has it back
  kDeadLetter,  ///< CIRCUIT_OPEN, and it is kept in the dead-letter queue, from where it can be replayed
};
inline constexpr std::string_view kOnOpenNames[] = {"refuse", "dead_letter"};

struct BreakerSettings {
  Duration window = std::chrono::seconds(30);    ///< in which outcomes count
  int64_t failures = 10;                         ///< it opens with so many of them at least,
  int64_t ratio = 50;                            ///< when they are so many percent of the outcomes at least,
  int64_t volume = 20;                           ///< and there are so many outcomes at least
  Duration open = std::chrono::seconds(5);       ///< the first time; each further one in a row is twice as long,
  Duration max_open = std::chrono::minutes(5);   ///< and never longer than this
  int64_t trials = 5;                            ///< messages that a half-open one lets through, in each gateway
  Duration patience = std::chrono::seconds(30);  ///< how long it waits for what becomes of them
  Duration grace = std::chrono::minutes(10);     ///< how long an agent may be INACTIVE; 0: for ever
  OnOpen on_open = OnOpen::kRefuse;

  bool operator==(const BreakerSettings&) const = default;
};

}  // namespace mas::gateway
