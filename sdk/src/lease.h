// The two commands by which an agent says that it lives: its heartbeat, and its instance's lease.
#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/redis/command.h"
#include "sdk/src/context.h"

namespace mas::sdk {

inline constexpr Duration kLeaseTtl = std::chrono::seconds(15);
inline constexpr Duration kLeaseRenewal = std::chrono::seconds(5);

inline redis::Command heartbeat(const AgentContext& agent, WallMicros now) {
  std::string beat;
  append_seconds(beat, now);
  return redis::Command("SET", agent.keys.heartbeat(agent.config.id), beat, "PX",
                        to_millis(agent.config.heartbeat_ttl));
}

inline redis::Command instance_lease(const AgentContext& agent) {
  return redis::Command("SET", agent.keys.alive(agent.config.id, agent.instance), "1", "PX", to_millis(kLeaseTtl));
}

}  // namespace mas::sdk
