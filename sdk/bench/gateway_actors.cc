// Pipelines of bounded size, and files.
#include "sdk/bench/gateway_actors.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include "proto/base/random.h"
#include "proto/base/secret_file.h"
#include "proto/wire/credentials.h"
#include "proto/wire/identity.h"

namespace mas::ctl {

namespace {

constexpr size_t kPerPipeline = 200;
constexpr const char* kKeyId = "bench";
constexpr uint32_t kUnreached = 1'000'000'000;

Status run_checked(SyncRedis& redis, redis::Command& command) {
  if (command.count() == 0) return {};
  auto answers = redis.ask(command);
  command = {};
  if (!answers.ok()) return answers.error();
  for (const auto& answer : *answers) {
    if (answer.is_error()) return Error{Errc::kRefused, answer.text};
  }
  return {};
}

std::string random_key() {
  std::array<unsigned char, kIdentityKeyBytes> key{};
  random_bytes(key);
  return {key.begin(), key.end()};
}

}  // namespace

Status GatewayActors::create(const MasterKey* master) {
  char path[] = "/tmp/masctl-bench.XXXXXX";
  if (mkdtemp(path) == nullptr) return Error{Errc::kInternal, "cannot make a directory for credentials in /tmp"};
  directory_ = path;
  SyncRedis redis(settings_);
  redis::Command command;
  for (const auto& id : ids()) {
    Status added = add_identity(command, id, master);
    if (added.ok() && command.count() >= kPerPipeline) added = run_checked(redis, command);
    if (!added.ok()) return added;
  }
  for (size_t sender = 0; sender < plan_.senders; ++sender) {
    add_rules(command, sender);
    if (command.count() < kPerPipeline) continue;
    Status added = run_checked(redis, command);
    if (!added.ok()) return added;
  }
  return run_checked(redis, command);
}

Status GatewayActors::add_identity(redis::Command& command, const std::string& id, const MasterKey* master) const {
  Credentials credentials;
  credentials.agent_id = id;
  Identity identity;
  identity.id = id;
  identity.created_at = wall_now();
  if (master != nullptr) {
    credentials.key_id = kKeyId;
    credentials.key = random_key();
    identity.keys.push_back(
        {kKeyId, seal_identity_key(*master, settings_.ns, id, kKeyId, credentials.key), wall_now(), 0});
  } else {
    credentials.token = random_token(32);
    identity.token_hash = token_hash(credentials.token);
  }
  std::string key = settings_.keys.identity(id);
  std::vector<std::string> args = {"HSET", key};
  for (auto& [name, value] : identity_fields(identity)) {
    args.push_back(std::move(name));
    args.push_back(std::move(value));
  }
  command.add(redis::Command::of(std::span<const std::string>(args)));
  return write_secret_file(directory_ + "/" + id + ".toml", credentials_toml(credentials));
}

void GatewayActors::add_rules(redis::Command& command, size_t sender) const {
  std::string id = plan_.sender_prefix() + std::to_string(sender);
  for (size_t k = 0; k < plan_.fan_out; ++k) {
    std::string target = plan_.receiver_prefix() + std::to_string((sender + k) % plan_.receivers);
    command.add("SADD", settings_.keys.allowed_targets(id), target);
  }
  command.add("HSET", settings_.keys.limits(id), "per_minute", kUnreached, "per_hour", kUnreached, "burst", kUnreached);
}

void GatewayActors::add_removal(redis::Command& command, const std::string& id) const {
  const Keys& keys = settings_.keys;
  command.add("UNLINK", keys.identity(id), keys.allowed_targets(id), keys.limits(id), keys.state(id));
  for (Lane lane : kLanes) command.add("UNLINK", keys.inbox(id, lane, 0));
}

Status GatewayActors::remove() {
  if (directory_.empty()) return {};
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
  directory_.clear();
  SyncRedis redis(settings_);
  redis::Command command;
  for (const auto& id : ids()) {
    add_removal(command, id);
    if (command.count() < kPerPipeline) continue;
    Status removed = run_checked(redis, command);
    if (!removed.ok()) return removed;
  }
  return run_checked(redis, command);
}

std::vector<std::string> GatewayActors::ids() const {
  std::vector<std::string> ids;
  for (size_t i = 0; i < plan_.senders; ++i) ids.push_back(plan_.sender_prefix() + std::to_string(i));
  for (size_t i = 0; i < plan_.receivers; ++i) ids.push_back(plan_.receiver_prefix() + std::to_string(i));
  return ids;
}

}  // namespace mas::ctl
