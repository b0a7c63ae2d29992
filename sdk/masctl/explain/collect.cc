// Two agents, the sender's rules and limits, the gateways' profile.
#include "sdk/masctl/explain/collect.h"

#include <algorithm>
#include <span>

#include "proto/base/ids.h"
#include "proto/redis/hash_reads.h"
#include "proto/wire/presence.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/gateway_reader.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/redis/rules_reader.h"

namespace mas::ctl {

namespace {

// The replies of the first round trip, by their place.
enum Place : size_t {
  kSenderEntry,
  kSenderIdentity,
  kTargetEntry,
  kTargetIdentity,
  kTargetStream,
  kRules,
  kLimits = kRules + 3,
  kCircuit
};

void ask_standing(redis::Command& command, const Keys& keys, const std::string& id) {
  const std::string key = keys.agent(id);
  redis::add_hash_reads(command, std::span(&key, 1), kPresenceFields, kPresenceBounds);
  redis::add_bounded(command, {.text = limits::kIdentityFieldBytes, .refuse = true}, {"HGETALL", keys.identity(id)});
}

AgentStanding standing_of(const std::string& id, const Value& reply, const Value& identity) {
  AgentStanding out;
  const auto values = reply.elements.empty() ? Value(redis::Reply{}).values() : reply.elements.front().values();
  const Presence presence = presence_from_values(id, values);
  out.registered = presence.registered;
  out.gateway_mode = presence.gateway_mode;
  out.active = presence.active;
  out.has_registry_token = !presence.token.empty();
  out.identity = identity.is_error() ? Result<Identity>(Error{Errc::kMalformed, printable(identity.text, 128)})
                                     : identity_from_fields(id, identity.texts());
  return out;
}

void take_limits(ExplainFacts& facts, const Value& reply, const gateway::LimitSettings& defaults) {
  if (reply.is_error()) {
    facts.limits = Error{Errc::kMalformed, printable(reply.text, 128)};
    return;
  }
  auto own = gateway::read_own_limits(reply.values(), defaults);
  facts.own_limits = own.any;
  facts.limits = std::move(own.limits);
}

Result<gateway::Circuit> circuit_of(const Value& reply) {
  if (reply.is_error()) return Error{Errc::kMalformed, printable(reply.text, 128)};
  return gateway::parse_circuit(reply.values());
}

Result<std::optional<gateway::LimiterState>> bucket_of(const Value& reply) {
  if (reply.is_error()) return Error{Errc::kMalformed, printable(reply.text, 128)};
  if (!reply.is_text()) return std::optional<gateway::LimiterState>();
  auto state = gateway::LimiterState::decode(reply.text);
  if (!state.ok()) return state.error();
  return std::optional<gateway::LimiterState>(*state);
}

}  // namespace

Result<ExplainFacts> collect_explain_facts(SyncRedis& redis, const Keys& keys, const std::string& sender,
                                           const std::string& target, const gateway::LimitSettings& defaults) {
  redis::Command command;
  ask_standing(command, keys, sender);
  ask_standing(command, keys, target);
  command.add("TYPE", keys.inbox(target, Lane::kNormal, 0));
  append_rules_query(command, keys, sender);
  const auto& l = gateway::kOwnLimitFields;
  redis::add_bounded(command, kNames, {"HMGET", keys.limits(sender), l[0], l[1], l[2], l[3], l[4], l[5]});
  const auto& f = gateway::kCircuitFields;
  redis::add_bounded(command, kNames, {"HMGET", keys.circuit(target), f[0], f[1], f[2], f[3], f[4], f[5]});
  auto replies = redis.ask(command);
  if (!replies.ok()) return replies.error();

  ExplainFacts facts;
  facts.sender = sender;
  facts.target = target;
  facts.now = wall_now();
  facts.sender_standing = standing_of(sender, (*replies)[kSenderEntry], (*replies)[kSenderIdentity]);
  facts.target_standing = standing_of(target, (*replies)[kTargetEntry], (*replies)[kTargetIdentity]);
  facts.target_standing.has_stream = (*replies)[kTargetStream].text == "stream";
  facts.rules = rules_of(std::span(*replies).subspan(kRules, 3)).rules;
  take_limits(facts, (*replies)[kLimits], defaults);
  facts.circuit = circuit_of((*replies)[kCircuit]);
  auto roles = read_roles(redis, keys, facts.rules.roles);
  if (!roles.ok()) return roles.error();
  for (auto& role : *roles)
    if (role.exists) facts.roles.push_back(std::move(role.role));
  return facts;
}

Result<MessageFacts> collect_message_facts(SyncRedis& redis, const Keys& keys, ExplainFacts agents, Lane lane) {
  auto field = read_partitions_field(redis, keys);
  if (!field.ok()) return field.error();
  if (auto settled = field->settled(); !settled.ok())
    return Error{settled.error().code, "gateways decide nothing now: " + settled.error().message};
  auto time = redis.ask_one(redis::Command("TIME"));
  if (!time.ok()) return time.error();
  const unsigned partitions = field->agreed;
  MessageFacts facts;
  agents.now = time_of(*time).value_or(agents.now);
  facts.agents = std::move(agents);
  if (partitions == 0) return facts;  // no gateway ever ran here: nothing was taken, nothing waits

  const unsigned partition = partition_of(facts.agents.sender, partitions);
  redis::Command second("HGET", keys.senders(partition), facts.agents.sender);
  second.add("XLEN", keys.inbox(facts.agents.target, lane, partition));
  auto replies = redis.ask(second);
  if (!replies.ok()) return replies.error();
  facts.bucket = bucket_of((*replies)[0]);
  const Value& length = (*replies)[1];
  if (length.is_error())
    facts.waiting = Error{Errc::kMalformed, printable(length.text, 128)};
  else
    facts.waiting = static_cast<uint64_t>(std::max<int64_t>(length.integer, 0));
  return facts;
}

Result<FoundProfile> find_profile(SyncRedis& redis, const Keys& keys) {
  auto snapshots = read_gateway_snapshots(redis, keys);
  if (!snapshots.ok()) return snapshots.error();
  if (snapshots->empty()) return FoundProfile{Profile::kDevelopment, "assumed: no gateway is running"};
  std::optional<Profile> found;
  for (const auto& snapshot : *snapshots) {
    auto profile = parse_profile(snapshot.profile);
    if (!profile) continue;
    if (found && *found != *profile) return FoundProfile{Profile::kProduction, "the gateways differ"};
    found = profile;
  }
  if (!found) return FoundProfile{Profile::kDevelopment, "assumed: the gateways do not report it"};
  return FoundProfile{*found, "reported by the gateways"};
}

}  // namespace mas::ctl
