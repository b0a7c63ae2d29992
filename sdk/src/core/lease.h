// The commands by which an agent says that it lives: its heartbeat, and its instance's lease.
#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/redis/command.h"
#include "sdk/src/core/context.h"
#include "sdk/src/core/lease_proof.h"

namespace mas::sdk {

inline redis::Command heartbeat(const AgentContext& agent, WallMicros now) {
  std::string beat;
  append_seconds(beat, now);
  return redis::Command("SET", agent.keys.heartbeat(agent.config.id), beat, "PX",
                        to_millis(agent.config.heartbeat_ttl));
}

/// One command, and what the mode adds.
inline redis::Command instance_lease(const AgentContext& agent) {
  redis::Command lease("SET", agent.keys.alive(agent.config.id, agent.instance()), "1", "PX", to_millis(kLeaseTtl));
  agent.mode->add_lease(lease);
  return lease;
}

}  // namespace mas::sdk
