// Deregistration.
#include "sdk/src/agent/stop_op.h"

#include "proto/wire/events.h"

namespace mas::sdk {

void StopOp::begin() {
  const AgentContext& agent = host_.context();
  const Keys& keys = agent.keys;
  const std::string& id = agent.config.id;
  const std::string used[] = {keys.agent(id), keys.heartbeat(id), keys.instances(id), keys.alive(id, agent.instance())};
  const std::string arguments[] = {
      agent.instance(), keys.alive(id, ""), keys.system_channel(), deregister_event(id),
      agent_event(EventType::kInstanceStopped, id, "another instance is registered", wall_now())};
  if (auto status = send(agent.functions.call(kTakeBackFunction, used, arguments)); !status)
    finish(status.error().in("deregistering"));
}

void StopOp::on_reply(uint64_t, const redis::Answer& answer) {
  using After = ServerFunctions::After;
  if (answer.ok() && (*answer)->is_error()) {
    const After after = host_.context().functions.on_error(**answer);
    if (after == After::kAgain) return begin();
    if (after == After::kMissing) return finish(ServerFunctions::missing().in("deregistering"));
  }
  auto reply = redis::checked(answer);
  if (reply) return finish(Status());
  Errc code = reply.error().code;
  bool lost = code == Errc::kConnectionLost || code == Errc::kTimeout || code == Errc::kUnreachable;
  if (lost) return begin();
  finish(reply.error().in("deregistering"));
}

}  // namespace mas::sdk
