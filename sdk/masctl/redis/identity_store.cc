// Hashes of identities, in pipelines and transactions.
#include "sdk/masctl/redis/identity_store.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/operator_audit.h"
#include "sdk/masctl/redis/transaction.h"

namespace mas::ctl {

namespace {

constexpr size_t kPerPipeline = 500;
constexpr redis::AnswerBounds kBounds{.text = limits::kIdentityFieldBytes, .refuse = true};

Result<Identity> identity_of(const std::string& agent, const Value& hash) {
  if (hash.is_error()) return Error{Errc::kMalformed, "identity: " + printable(hash.text, 128)};
  return identity_from_fields(agent, hash.texts());
}

Result<std::vector<std::string>> agents_with_identity(SyncRedis& redis, const Keys& keys) {
  return names_matching(redis, keys.identity_scan_pattern(), {},
                        [&](std::string_view key) { return keys.agent_id_of_identity(key); });
}

}  // namespace

Result<Identity> load_identity(SyncRedis& redis, const Keys& keys, const std::string& agent, bool watched) {
  std::string key = keys.identity(agent);
  redis::Command command;
  if (watched) command.add("WATCH", key);
  redis::add_bounded(command, kBounds, {"HGETALL", key});
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();
  return identity_of(agent, replies->back());
}

Result<std::vector<ListedIdentity>> list_identities(SyncRedis& redis, const Keys& keys) {
  auto agents = agents_with_identity(redis, keys);
  if (!agents.ok()) return agents.error();
  std::vector<ListedIdentity> listed;
  for (size_t begin = 0; begin < agents->size(); begin += kPerPipeline) {
    size_t end = std::min(agents->size(), begin + kPerPipeline);
    redis::Command command;
    for (size_t i = begin; i < end; ++i) redis::add_bounded(command, kBounds, {"HGETALL", keys.identity((*agents)[i])});
    auto replies = redis.ask(command);
    if (!replies.ok()) return replies.error();
    for (size_t i = begin; i < end; ++i) {
      auto identity = identity_of((*agents)[i], (*replies)[i - begin]);
      bool gone = !identity.ok() && identity.error().code == Errc::kNotFound;
      if (!gone) listed.push_back({(*agents)[i], std::move(identity)});
    }
  }
  return listed;
}

Status store_identity(SyncRedis& redis, const Keys& keys, const Identity& identity, const OperatorNote& note) {
  std::string key = keys.identity(identity.id);
  std::vector<std::string> args = {"HSET", key};
  for (auto& [name, value] : identity_fields(identity)) args.insert(args.end(), {name, value});
  redis::Command command("DEL", key);
  command.add(redis::Command::of(args));
  append_operator_record(command, keys, note.who, note.action, identity.id, note.detail);
  auto done = transact(redis, command);
  if (!done.ok()) return done.error();
  return {};
}

}  // namespace mas::ctl
