// Deregistration.
#include "sdk/src/stop_op.h"

#include "proto/wire/events.h"

namespace mas::sdk {
namespace {

// KEYS: entry, heartbeat, instances, own lease. ARGV: own instance, head of every lease's key, channel, the event that
// the agent is gone, the event that an instance is.
// Another instance may be one that was killed and whose lease has not run out. So the heartbeat ends with the last lease:
// whoever lives renews both in time.
// Every write here is one that Redis accepts when it is out of memory.
constexpr std::string_view kTakeBack = R"lua(
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
local others, left = 0, 0
for _, instance in ipairs(redis.call('HKEYS', KEYS[3])) do
  local lease = redis.call('PTTL', ARGV[2] .. instance)
  if lease ~= -2 then
    others = others + 1
    left = math.max(left, lease)
  else
    redis.call('HDEL', KEYS[3], instance)
  end
end
if others == 0 then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
else
  if redis.call('PTTL', KEYS[2]) > left then redis.call('PEXPIRE', KEYS[2], left) end
  redis.call('PUBLISH', ARGV[3], ARGV[5])
end
return others
)lua";

}  // namespace

void StopOp::begin() {
  const AgentContext& agent = host_.context();
  const Keys& keys = agent.keys;
  const std::string& id = agent.config.id;
  redis::Command script("EVAL", kTakeBack, 4, keys.agent(id), keys.heartbeat(id), keys.instances(id),
                        keys.alive(id, agent.instance()), agent.instance(), keys.alive(id, ""), keys.system_channel(),
                        deregister_event(id),
                        agent_event(EventType::kInstanceStopped, id, "another instance is registered", wall_now()));
  if (auto status = send(script); !status) finish(status.error().in("deregistering"));
}

void StopOp::on_reply(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (reply) return finish(Status());
  Errc code = reply.error().code;
  bool lost = code == Errc::kConnectionLost || code == Errc::kTimeout || code == Errc::kUnreachable;
  if (lost) return begin();
  finish(reply.error().in("deregistering"));
}

}  // namespace mas::sdk
