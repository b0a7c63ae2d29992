// State in Redis.
#include "sdk/src/agent/state_op.h"

#include "proto/redis/bounded_answer.h"
#include "proto/wire/limits.h"

namespace mas::sdk {

namespace {

/// What one may write in pieces is not more than one can load.
Status check_size(const StateSize& size) {
  if (size.fields > limits::kStateFields)
    return Error{Errc::kTooLarge, "the state would have " + std::to_string(size.fields) + " fields; expected at most " +
                                      std::to_string(limits::kStateFields)};
  if (size.bytes > limits::kStateBytes)
    return redis::too_large("the state, as it would be,", size.bytes, limits::kStateBytes);
  return {};
}

}  // namespace

void StateUpdateOp::begin() {
  const AgentContext& agent = host_.context();
  if (auto fits = check_size(agent.state.size_after(changes_)); !fits) return finish(fits);
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

}  // namespace mas::sdk
