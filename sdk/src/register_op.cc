// Registration.
#include "sdk/src/register_op.h"

#include <unistd.h>

#include "proto/base/json_writer.h"
#include "proto/base/random.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/events.h"
#include "sdk/src/lease.h"
#include "sdk/src/state_op.h"

namespace mas::sdk {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kTokenCommandsBytes = 256;  // of the two commands about the token, without their key

std::string seconds(WallMicros now) {
  std::string text;
  append_seconds(text, now);
  return text;
}

/// What operators see of an instance: where it runs and since when.
std::string instance_json(WallMicros now) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::string json;
  JsonWriter(json)
      .begin_object()
      .key("host")
      .string(printable(host))
      .key("pid")
      .integer(getpid())
      .key("sdk")
      .string(std::string("libmas ") + mas_version())
      .key("since")
      .raw(seconds(now))
      .end_object();
  return json;
}

}  // namespace

void RegisterOp::begin() {
  if (mode_ != Mode::kStart) return register_entry();
  state_.to(State::kLoading);
  const AgentContext& agent = host_.context();
  if (auto status = send(redis::Command("HGETALL", agent.keys.state(agent.config.id))); !status)
    finish(status.error().in("loading the state"));
}

void RegisterOp::on_reply(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error().in(state_.is(State::kLoading) ? "loading the state" : "registering"));
  if (state_.is(State::kLoading)) return load(**reply);
  announce(**reply);
}

void RegisterOp::load(const redis::Reply& state) {
  auto loaded = state_from_reply(state);
  if (!loaded) return finish(loaded.error());
  host_.context().state.replace(std::move(*loaded));
  register_entry();
}

/// All of the transaction but the token.
redis::Command RegisterOp::entry() const {
  const AgentContext& agent = host_.context();
  const AgentConfig& config = agent.config;
  const std::string key = agent.keys.agent(config.id);
  const WallMicros now = agent.clock->of(wall_now());

  redis::Command body("HSET", key, "id", config.id, "capabilities", capabilities_json(config.capabilities), "metadata",
                      config.metadata);
  body.add(mode_ == Mode::kStart ? "HSET" : "HSETNX", key, "registered_at", seconds(now));
  body.add(mode_ == Mode::kAgain ? "HSETNX" : "HSET", key, "status", kStatusActive);
  if (config.mode == MAS_MODE_GATEWAY)
    body.add("HSET", key, "mode", "gateway");
  else
    body.add("HDEL", key, "mode");
  body.add("HSET", agent.keys.instances(config.id), agent.instance(), instance_json(now));
  body.add(instance_lease(agent));
  body.add(heartbeat(agent, now));
  return body;
}

void RegisterOp::register_entry() {
  state_.to(State::kRegistering);
  const AgentContext& agent = host_.context();
  const std::string key = agent.keys.agent(agent.config.id);
  const Secret token(random_token(kTokenBytes));
  redis::Command body = entry();
  body.reserve(kTokenCommandsBytes + 2 * key.size());
  body.add("HSETNX", key, "token", token.text());
  body.add("HGET", key, "token");  // another instance's, perhaps
  auto status = transaction(body);
  body.wipe();
  if (!status) finish(status.error().in("registering"));
}

void RegisterOp::announce(const redis::Reply& results) {
  for (const auto& result : results)
    if (result.is_error()) return finish(redis::error_of(result).in("registering"));
  state_.to(State::kDone);
  Secret token;
  if (results.count > 0 && results[results.count - 1].is_text()) token = Secret(results[results.count - 1].text);
  host_.commands().wipe_received();
  const AgentContext& agent = host_.context();
  redis::Command event("PUBLISH", agent.keys.system_channel(),
                       register_event(agent.config.id, agent.config.capabilities));
  // Nobody's refusal to hear of it makes the registration less true.
  static_cast<void>(host_.commands().send(event, redis::ReplyTo{}));
  finish(std::move(token));
}

}  // namespace mas::sdk
