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

/// Gateway mode: the instance's replies outlive a few lost leases, and go when it does not come back.
inline constexpr Duration kReplyStreamTtl = 4 * kLeaseTtl;

inline redis::Command reply_stream_lease(const AgentContext& agent) {
  return redis::Command("PEXPIRE", agent.keys.reply_inbox(agent.config.id, agent.instance(), 0),
                        to_millis(kReplyStreamTtl));
}

/// One command, or two in gateway mode.
inline redis::Command instance_lease(const AgentContext& agent) {
  redis::Command lease("SET", agent.keys.alive(agent.config.id, agent.instance()), "1", "PX", to_millis(kLeaseTtl));
  if (agent.config.mode == MAS_MODE_GATEWAY) lease.add(reply_stream_lease(agent));
  return lease;
}

}  // namespace mas::sdk
