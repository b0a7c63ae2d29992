// Two agents, the sender's rules and limits, the gateways' profile.
#include "sdk/masctl/explain/collect.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include "proto/base/ids.h"
#include "proto/redis/hash_reads.h"
#include "proto/wire/agent_entry.h"
#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/gateway_reader.h"
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

constexpr std::string_view kGateway = "gatewayd:";

void ask_standing(redis::Command& command, const Keys& keys, const std::string& id) {
  static constexpr std::string_view kFields[] = {"id", "mode", "status", "token"};
  static constexpr size_t kBounds[] = {limits::kForeignAgentIdBytes, kEntryTextBytes, kEntryTextBytes,
                                       limits::kCredentialBytes};
  const std::string key = keys.agent(id);
  redis::add_hash_reads(command, std::span(&key, 1), kFields, kBounds);
  redis::add_bounded(command, {.text = limits::kIdentityFieldBytes, .refuse = true}, {"HGETALL", keys.identity(id)});
}

/// An entry that is of another type, or names another id, is none.
AgentStanding standing_of(const std::string& id, const Value& reply, const Value& identity) {
  AgentStanding out;
  const Value entry = reply.elements.empty() ? Value(redis::Reply{}) : reply.elements.front();
  out.registered = entry.elements.size() == 4 && entry.elements[0].text == id;
  if (out.registered) {
    out.gateway_mode = entry.elements[1].text == kModeGateway;
    out.active = entry.elements[2].text == kStatusActive;
    out.has_registry_token = !entry.elements[3].text.empty();
  }
  std::vector<std::string_view> fields;
  for (const auto& field : identity.elements) fields.push_back(field.text);
  out.identity = identity.is_error() ? Result<Identity>(Error{Errc::kMalformed, printable(identity.text, 128)})
                                     : identity_from_fields(id, fields);
  return out;
}

void take_limits(ExplainFacts& facts, const Value& reply, const gateway::LimitSettings& defaults) {
  if (reply.is_error()) {
    facts.limits = Error{Errc::kMalformed, printable(reply.text, 128)};
    return;
  }
  std::vector<std::optional<std::string_view>> values;
  for (const auto& element : reply.elements)
    values.push_back(element.is_nil() ? std::nullopt : std::optional<std::string_view>(element.text));
  facts.own_limits = std::any_of(values.begin(), values.end(), [](const auto& value) { return value.has_value(); });
  facts.limits = gateway::parse_limits(values, defaults);
}

Result<gateway::Circuit> circuit_of(const Value& reply) {
  if (reply.is_error()) return Error{Errc::kMalformed, printable(reply.text, 128)};
  std::vector<std::optional<std::string_view>> values;
  for (const auto& element : reply.elements)
    values.push_back(element.is_nil() ? std::nullopt : std::optional<std::string_view>(element.text));
  return gateway::parse_circuit(values);
}

Result<std::optional<gateway::LimiterState>> bucket_of(const Value& reply) {
  if (reply.is_error()) return Error{Errc::kMalformed, printable(reply.text, 128)};
  if (!reply.is_text()) return std::optional<gateway::LimiterState>();
  auto state = gateway::LimiterState::decode(reply.text);
  if (!state.ok()) return state.error();
  return std::optional<gateway::LimiterState>(*state);
}

/// @return microseconds from the answer to TIME; nullopt where it is none.
std::optional<WallMicros> time_of(const Value& reply) {
  if (reply.elements.size() != 2) return std::nullopt;
  return std::atoll(reply.elements[0].text.c_str()) * 1'000'000 + std::atoll(reply.elements[1].text.c_str());
}

/// @return the heartbeats of the gateways that beat.
Result<std::vector<std::string>> gateway_snapshots(SyncRedis& redis, const Keys& keys) {
  auto members = read_members(redis, keys.daemons());
  if (!members.ok()) return members.error();
  std::vector<std::string> heartbeats, snapshots;
  for (const auto& member : *members)
    if (member.starts_with(kGateway))
      heartbeats.push_back(keys.daemon("gatewayd", std::string_view(member).substr(kGateway.size())));
  auto replies = read_texts(redis, heartbeats, kSnapshotBytes);
  if (!replies.ok()) return replies.error();
  for (auto& reply : *replies)
    if (reply.is_text()) snapshots.push_back(std::move(reply.text));
  return snapshots;
}

std::optional<Profile> profile_of(const std::string& heartbeat) {
  auto snapshot = parse_snapshot(heartbeat);
  return snapshot.ok() ? parse_profile(snapshot->profile) : std::nullopt;
}

}  // namespace

Result<ExplainFacts> collect_explain_facts(SyncRedis& redis, const Keys& keys, const std::string& sender,
                                           const std::string& target, const gateway::LimitSettings& defaults) {
  redis::Command command;
  ask_standing(command, keys, sender);
  ask_standing(command, keys, target);
  command.add("TYPE", keys.inbox(target, Lane::kNormal, 0));
  append_rules_query(command, keys, sender);
  const auto& l = gateway::kLimitFields;
  redis::add_bounded(command, kNames, {"HMGET", keys.limits(sender), l[0], l[1], l[2], l[3], l[4]});
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
  constexpr long kMaxPartitions = 1024;
  redis::Command first("HGET", keys.config(), "partitions");
  first.add("TIME");
  auto replies = redis.ask(first);
  if (!replies.ok()) return replies.error();
  const auto partitions = std::clamp(std::atol((*replies)[0].text.c_str()), 0L, kMaxPartitions);
  MessageFacts facts;
  agents.now = time_of((*replies)[1]).value_or(agents.now);
  facts.agents = std::move(agents);
  if (partitions == 0) return facts;  // no gateway ever ran here: nothing was taken, nothing waits

  const unsigned partition = partition_of(facts.agents.sender, static_cast<size_t>(partitions));
  redis::Command second("HGET", keys.senders(partition), facts.agents.sender);
  second.add("XLEN", keys.inbox(facts.agents.target, lane, partition));
  replies = redis.ask(second);
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
  auto snapshots = gateway_snapshots(redis, keys);
  if (!snapshots.ok()) return snapshots.error();
  if (snapshots->empty()) return FoundProfile{Profile::kDevelopment, "assumed, as no gateway lives"};
  std::optional<Profile> found;
  for (const auto& snapshot : *snapshots) {
    auto profile = profile_of(snapshot);
    if (!profile) continue;
    if (found && *found != *profile) return FoundProfile{Profile::kProduction, "the gateways differ"};
    found = profile;
  }
  if (!found) return FoundProfile{Profile::kDevelopment, "assumed, as the gateways do not say"};
  return FoundProfile{*found, "as the gateways run"};
}

}  // namespace mas::ctl
