// Registration.
#include "sdk/src/agent/register_op.h"

#include <unistd.h>

#include "proto/base/json_writer.h"
#include "proto/base/random.h"
#include "proto/redis/bounded_answer.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/events.h"
#include "proto/wire/limits.h"
#include "proto/wire/partitions.h"
#include "sdk/src/core/lease.h"

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
      .key("protocol")
      .unsigned_integer(spoken_protocol())
      .end_object();
  return json;
}

}  // namespace

RegisterOp::RegisterOp(OpHost& host, Occasion occasion, Done done)
    : OpWith(host, std::move(done)), occasion_(occasion), offered_token_(random_token(kTokenBytes)) {}

std::string RegisterOp::entry_key() const { return host_.context().keys.agent(host_.context().config.id); }

/// All of the transaction but the token.
redis::Command RegisterOp::entry() const {
  const AgentContext& agent = host_.context();
  const AgentConfig& config = agent.config;
  const std::string key = entry_key();
  const WallMicros now = agent.clock->of(wall_now());

  redis::Command body("HSET", key, "id", config.id, "capabilities", capabilities_json(config.capabilities), "metadata",
                      config.metadata);
  body.add(occasion_ == Occasion::kStart ? "HSET" : "HSETNX", key, "registered_at", seconds(now));
  body.add(occasion_ == Occasion::kAgain ? "HSETNX" : "HSET", key, "status", kStatusActive);
  const std::string_view mode = agent.mode->traits.entry_name;
  mode.empty() ? body.add("HDEL", key, "mode") : body.add("HSET", key, "mode", mode);
  body.add("HSET", agent.keys.instances(config.id), agent.instance(), instance_json(now));
  body.add(instance_lease(agent));
  body.add(heartbeat(agent, now));
  return body;
}

/// Nothing is moved in memory once the token is in the command.
void RegisterOp::begin() {
  state_.to(State::kRegistering);
  const std::string key = entry_key();
  redis::Command body = entry();
  body.reserve(kTokenCommandsBytes + 2 * key.size());
  body.add("HSETNX", key, "token", offered_token_.text());
  body.add("HSTRLEN", key, "token");
  auto sent = transaction(body);
  body.wipe();
  if (!sent) finish(sent.error().in("registering"));
}

void RegisterOp::on_reply(uint64_t, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply) return finish(reply.error().in("registering"));
  state_.is(State::kReadingToken) ? take_token(**reply) : registered(**reply);
}

void RegisterOp::registered(const redis::Reply& results) {
  for (const auto& result : results)
    if (result.is_error()) return finish(redis::error_of(result).in("registering"));
  if (results.count < 2) return finish(Error{Errc::kProtocol, "registering: a result is missing"});
  const bool took_ours = results[results.count - 2].integer == 1;
  took_ours ? announce(offered_token_) : read_token(results[results.count - 1].integer);
}

void RegisterOp::read_token(int64_t length) {
  if (length > static_cast<int64_t>(limits::kCredentialBytes))
    return finish(redis::too_large(entry_key() + ": token", static_cast<uint64_t>(length), limits::kCredentialBytes));
  state_.to(State::kReadingToken);
  auto sent = send(redis::Command("HGET", entry_key(), "token"), 0, limits::kCredentialBytes);
  if (!sent) finish(sent.error().in("registering"));
}

void RegisterOp::take_token(const redis::Reply& token) {
  auto fits = redis::check_text(entry_key() + ": token", token, limits::kCredentialBytes);
  if (!fits) return finish(fits.error());
  host_.commands().wipe_received();
  announce(Secret(token.text));
}

void RegisterOp::announce(Secret token) {
  state_.to(State::kDone);
  const AgentContext& agent = host_.context();
  redis::Command event("PUBLISH", agent.keys.system_channel(),
                       register_event(agent.config.id, agent.config.capabilities));
  // Nobody's refusal to hear of it makes the registration less true.
  static_cast<void>(host_.commands().send(event, redis::ReplyTo{}));
  finish(std::move(token));
}

}  // namespace mas::sdk
