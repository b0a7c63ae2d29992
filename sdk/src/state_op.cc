// State in Redis.
#include "sdk/src/state_op.h"

#include "proto/wire/limits.h"

namespace mas::sdk {

Result<StateMap> state_from_reply(const redis::Reply& reply) {
  if (!reply.is_array() || reply.count % 2 != 0)
    return Error{Errc::kProtocol, "the state is not a list of fields with their values"};
  if (reply.count / 2 > limits::kStateFields)
    return Error{Errc::kTooLarge, "the state has " + std::to_string(reply.count / 2) + " fields; expected at most " +
                                      std::to_string(limits::kStateFields)};
  StateMap state;
  for (size_t i = 0; i < reply.count; i += 2) state.emplace(reply[i].text, reply[i + 1].text);
  return state;
}

void StateUpdateOp::begin() {
  const AgentContext& agent = host_.context();
  const std::string key = agent.keys.state(agent.config.id);
  std::vector<std::string_view> set{"HSET", key};
  std::vector<std::string_view> removed{"HDEL", key};
  for (const auto& [field, value] : changes_) {
    if (value)
      set.insert(set.end(), {field, *value});
    else
      removed.push_back(field);
  }
  redis::Command command;
  if (set.size() > 2) command.add(redis::Command::of(set));
  if (removed.size() > 2) command.add(redis::Command::of(removed));
  auto sent = command.count() == 1 ? send(command) : transaction(command);
  if (!sent) finish(sent.error().in("writing the state"));
}

void StateUpdateOp::on_reply(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error().in("writing the state"));
  for (const auto& result : **reply)
    if (result.is_error()) return finish(redis::error_of(result).in("writing the state"));
  host_.context().state.apply(changes_);
  finish(Status());
}

void StateResetOp::begin() {
  const AgentContext& agent = host_.context();
  auto sent = send(redis::Command("DEL", agent.keys.state(agent.config.id)));
  if (!sent) finish(sent.error().in("resetting the state"));
}

void StateResetOp::on_reply(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error().in("resetting the state"));
  host_.context().state.replace({});
  finish(Status());
}

void StateRefreshOp::begin() {
  const AgentContext& agent = host_.context();
  auto sent = send(redis::Command("HGETALL", agent.keys.state(agent.config.id)));
  if (!sent) finish(sent.error().in("loading the state"));
}

void StateRefreshOp::on_reply(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error().in("loading the state"));
  auto loaded = state_from_reply(**reply);
  if (!loaded) return finish(loaded.error());
  host_.context().state.replace(std::move(*loaded));
  finish(Status());
}

}  // namespace mas::sdk
