// Deregistration.
#include "sdk/src/stop_op.h"

#include "proto/wire/events.h"

namespace mas::sdk {
namespace {

// KEYS: entry, heartbeat, instances, own lease. ARGV: own instance, head of every lease's key, channel, event.
// Every write here is one that Redis accepts when it is out of memory.
constexpr std::string_view kTakeBack = R"lua(
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
local others = 0
for _, instance in ipairs(redis.call('HKEYS', KEYS[3])) do
  if redis.call('EXISTS', ARGV[2] .. instance) == 1 then
    others = others + 1
  else
    redis.call('HDEL', KEYS[3], instance)
  end
end
if others == 0 then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
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
                        deregister_event(id));
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
