// Asks for Redis's time and keeps the agent's RedisClock by it. A clock that is wrong by seconds is told, once.
// Threading: the I/O thread. Ownership: the session's; its client must have forgotten it before it goes.
#pragma once

#include <functional>
#include <optional>

#include "proto/base/clock.h"
#include "proto/redis/client.h"
#include "sdk/src/core/context.h"

namespace mas::sdk {

class ClockProbe {
 public:
  /// @param stepped called when what is known of Redis's clock has changed by seconds.
  ClockProbe(AgentContext& agent, std::function<void()> stepped) : agent_(agent), stepped_(std::move(stepped)) {}

  /// Asks, unless an answer is awaited or this link refuses it.
  void ask(redis::Client& redis);
  /// Another server may answer what the last one refused.
  void link_renewed() { refused_ = false; }

 private:
  void on_time(uint64_t tag, const redis::Answer& answer);

  AgentContext& agent_;
  const std::function<void()> stepped_;
  std::optional<MonoTime> asked_;  // TIME is under way since
  bool refused_ = false;
  WallMicros told_ahead_ = 0;
};

}  // namespace mas::sdk
