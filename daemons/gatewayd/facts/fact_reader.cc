// Commands for what is wanted, and what their replies mean.
#include "daemons/gatewayd/facts/fact_reader.h"

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/facts/bounded_read.h"
#include "proto/base/ids.h"
#include "proto/redis/reply_values.h"
#include "proto/wire/agent_entry.h"
#include "proto/wire/presence.h"

namespace mas::gateway {
namespace {

constexpr Duration kFailingFor = std::chrono::seconds(5);
constexpr size_t kMaxProblems = 16;
constexpr size_t kMaxFieldBytes = 4096;             // of an entry, limits, a circuit
constexpr size_t kMaxIdentityBytes = 1024 * 1024;   // of which a field may have limits::kIdentityFieldBytes
constexpr size_t kMaxSetBytes = 32u * 1024 * 1024;  // a list of targets, an agent's roles, a role's permissions
constexpr unsigned kStreamsLookedAt = 64;           // of an agent, where it has one for each partition
constexpr size_t kMaxLargeEntries = 1024;           // that are remembered

/// What says nothing about the key: no answer, Redis that cannot serve now (LOADING, BUSY), a user without the right.
Status no_fact(const redis::Answer& answer) {
  if (!answer.ok()) return answer.error();
  if (!(*answer)->is_error()) return {};
  Error error = redis::error_of(**answer);
  return error.code == Errc::kRefused ? Status() : Status(std::move(error));
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

FactReader::FactReader(redis::CommandSink& redis, redis::CommandSink& tracked, const Keys& keys, Facts& facts,
                       const MasterKey* master, Done done)
    : redis_(redis), tracked_(tracked), keys_(keys), facts_(facts), master_(master), done_(std::move(done)) {}

FactReader::~FactReader() { cancel(); }

void FactReader::cancel() {
  redis_.forget(this);
  tracked_.forget(this);
  rules_.clear();
  reads_.clear();
  facts_.abandon();
}

std::vector<std::string> FactReader::take_problems() { return std::exchange(problems_, {}); }

bool FactReader::read(const std::vector<TargetStream*>& inboxes, const std::vector<StreamEntryRead>& entries) {
  redis::Command command, streams;
  const auto agents = facts_.take_wanted();
  for (const auto& wanted : agents) ask(command, wanted);
  for (auto& role : facts_.take_wanted_roles()) {
    track(command);
    append_bounded_set(command, keys_.role_permissions(role), kMaxSetBytes);
    reads_.push_back({.kind = Kind::kRole, .role = std::move(role)});
  }
  const size_t first_stream = reads_.size();
  if (apart())
    for (const auto& wanted : agents)
      if ((wanted.groups & kPresence) != 0) ask_type(streams, *wanted.agent);
  ask_streams(streams, inboxes, entries);
  if (reads_.empty()) return false;
  failure_ = Status();
  auto sent = send(std::move(command), std::move(streams), first_stream);
  if (sent.ok()) return true;
  cancel();
  done_(sent);
  return true;
}

void FactReader::ask_streams(redis::Command& command, const std::vector<TargetStream*>& inboxes,
                             const std::vector<StreamEntryRead>& entries) {
  for (TargetStream* inbox : inboxes) {
    command.add("XLEN", inbox->key);
    reads_.push_back({.kind = Kind::kLength, .inbox = inbox});
  }
  for (const StreamEntryRead& entry : entries) {
    if (large_entries_.contains(entry.stream + ' ' + std::string(entry.id))) {
      *entry.ret_failed = true;
      continue;
    }
    command.add("XRANGE", entry.stream, entry.id, entry.id);
    reads_.push_back({.kind = Kind::kEntry, .entry = entry});
  }
}

/// In one write where one link reads both.
Status FactReader::send(redis::Command facts, redis::Command streams, size_t first_stream) {
  const redis::ReplyTo to = redis::reply_to<&FactReader::on_reply>(this);
  if (!apart()) return redis_.send(std::move(facts.add(streams)), to);
  if (facts.count() > 0)
    if (auto sent = tracked_.send(std::move(facts), to); !sent) return sent;
  if (streams.count() == 0) return {};
  return redis_.send(std::move(streams), redis::reply_to<&FactReader::on_reply>(this, first_stream));
}

/// Redis tells of the next change of what the next command reads (invalidation.h).
void FactReader::track(redis::Command& command) {
  if (apart()) return;  // of whatever its link reads
  command.add("CLIENT", "CACHING", "YES");
  reads_.push_back({.kind = Kind::kTracked});
}

/// On a cluster an agent makes the stream of the first partition; others are of those that sent to it. Any will do.
void FactReader::ask_type(redis::Command& command, AgentFacts& agent) {
  agent.has_stream = false;
  for (unsigned p = 0; p < std::min(keys_.places(partitions_), kStreamsLookedAt); ++p) {
    command.add("TYPE", keys_.inbox(agent.id, Lane::kNormal, p));
    reads_.push_back({Kind::kStream, &agent});
  }
}

void FactReader::ask(redis::Command& command, const Facts::Wanted& wanted) {
  const std::string& id = wanted.agent->id;
  if ((wanted.groups & kPresence) != 0) {
    if (!apart()) ask_type(command, *wanted.agent);
    track(command);
    const auto& p = kPresenceFields;
    append_bounded_fields(command, keys_.agent(id), kMaxFieldBytes, {p[0], p[1], p[2], p[3]});
    reads_.push_back({Kind::kPresence, wanted.agent});
  }
  if ((wanted.groups & kIdentity) != 0) {
    track(command);
    append_bounded_hash(command, keys_.identity(id), kMaxIdentityBytes);
    reads_.push_back({Kind::kIdentity, wanted.agent});
  }
  if ((wanted.groups & kRules) != 0) {
    Rules& rules = rules_.emplace_back();
    for (const auto& [kind, key] :
         {std::pair(Kind::kAllowed, keys_.allowed_targets(id)), std::pair(Kind::kBlocked, keys_.blocked_targets(id)),
          std::pair(Kind::kRoles, keys_.roles(id))}) {
      track(command);
      append_bounded_set(command, key, kMaxSetBytes);
      reads_.push_back({.kind = kind, .agent = wanted.agent, .rules = &rules});
    }
  }
  if ((wanted.groups & kLimits) != 0) {
    track(command);
    const auto& f = kOwnLimitFields;
    append_bounded_fields(command, keys_.limits(id), kMaxFieldBytes, {f[0], f[1], f[2], f[3], f[4], f[5]});
    reads_.push_back({Kind::kLimits, wanted.agent});
  }
  if ((wanted.groups & kCircuit) != 0) {
    track(command);
    const auto& f = kCircuitFields;
    append_bounded_fields(command, keys_.circuit(id), kMaxFieldBytes, {f[0], f[1], f[2], f[3], f[4], f[5]});
    reads_.push_back({Kind::kCircuit, wanted.agent});
  }
}

/// An entry that is too large ended the link. It is not asked for again, and what is reported about it is refused.
void FactReader::note_large(const Read& read) {
  if (read.kind != Kind::kEntry) return;
  if (large_entries_.size() >= kMaxLargeEntries) large_entries_.clear();
  large_entries_.insert(read.entry.stream + ' ' + std::string(read.entry.id));
}

void FactReader::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (reads_.empty()) return;  // cancelled while a lost link answers
  const bool last = reads_.take_reply();
  if (!answer.ok() && answer.error().code == Errc::kTooLarge && failure_.ok()) note_large(reads_[tag]);
  const bool tracks = reads_[tag].kind == Kind::kTracked;  // refused: nobody would tell of a change
  if (auto problem = no_fact(answer); !problem.ok())
    failure_ = problem;
  else if (tracks && (*answer)->is_error())
    failure_ = redis::error_of(**answer).in("CLIENT CACHING");
  else
    take(reads_[tag], **answer);
  if (!last) return;
  reads_.clear();
  rules_.clear();
  if (!failure_.ok()) facts_.abandon();
  done_(failure_);
}

void FactReader::take(const Read& read, const redis::Reply& reply) {
  switch (read.kind) {
    case Kind::kTracked:
      return;
    case Kind::kStream:
      read.agent->has_stream = read.agent->has_stream || reply.text == "stream";
      return;
    case Kind::kPresence:
      return take_presence(*read.agent, reply);
    case Kind::kIdentity:
      return take_identity(*read.agent, reply);
    case Kind::kAllowed:
      take_members(*read.rules, read.rules->allowed, reply);
      return take_rules(*read.agent, *read.rules);
    case Kind::kBlocked:
      take_members(*read.rules, read.rules->blocked, reply);
      return take_rules(*read.agent, *read.rules);
    case Kind::kRoles:
      take_members(*read.rules, read.rules->roles, reply);
      return take_rules(*read.agent, *read.rules);
    case Kind::kLimits:
      return take_limits(*read.agent, reply);
    case Kind::kCircuit:
      return take_circuit(*read.agent, reply);
    case Kind::kRole:
      return take_role(read.role, reply);
    case Kind::kLength:
      return take_length(*read.inbox, reply);
    case Kind::kEntry:
      return take_entry(read.entry, reply);
  }
}

/// An entry that is of another type, or names another id, is none (proto/README.md).
void FactReader::take_presence(AgentFacts& agent, const redis::Reply& reply) {
  const Presence presence = presence_from_values(agent.id, redis::values_of(reply));
  agent.registered = presence.registered;
  agent.gateway_mode = presence.gateway_mode;
  agent.active = presence.active;
  if (reply.is_error()) report_problem("entry of " + agent.id + ": " + printable(reply.text, 200));
  agent.secrets.registry_token.reset();
  if (!presence.token.empty()) agent.secrets.registry_token = token_hash(presence.token);
  facts_.finish(agent, kPresence);
}

void FactReader::take_identity(AgentFacts& agent, const redis::Reply& reply) {
  auto registry_token = agent.secrets.registry_token;
  std::vector<std::string_view> fields;
  for (const auto& field : reply) fields.push_back(field.text);
  Result<Identity> identity =
      reply.is_array() ? identity_from_fields(agent.id, fields) : Result<Identity>(redis::error_of(reply));
  agent.secrets = secrets_of(identity, master_, keys_.ns());
  agent.secrets.registry_token = registry_token;
  if (!agent.secrets.problem.empty()) report_problem("identity of " + agent.id + ": " + agent.secrets.problem);
  facts_.finish(agent, kIdentity);
}

void FactReader::report_problem(std::string problem) {
  if (problems_.size() < kMaxProblems) problems_.push_back(std::move(problem));
}

void FactReader::take_members(Rules& rules, std::vector<std::string>& into, const redis::Reply& reply) {
  if (!reply.is_array()) return void(rules.problem = reply.text);
  for (const auto& member : reply) into.emplace_back(member.text);
}

void FactReader::take_rules(AgentFacts& agent, Rules& rules) {
  if (--rules.due > 0) return;
  agent.rules = rules.problem.empty() ? parse_rules(views(rules.allowed), views(rules.blocked), views(rules.roles))
                                      : unreadable_rules(rules.problem);
  facts_.finish(agent, kRules);
}

void FactReader::take_limits(AgentFacts& agent, const redis::Reply& reply) {
  OwnLimits own = read_own_limits(redis::values_of(reply), default_limits_);
  agent.limits = {};
  agent.limits_problem.clear();
  if (reply.is_error())
    agent.limits_problem = reply.text;
  else if (own.limits.ok())
    agent.limits = *own.limits;
  else
    agent.limits_problem = own.limits.error().message;
  agent.attempts = own.attempts.ok() ? *own.attempts : std::nullopt;
  if (!own.attempts.ok())
    report_problem("attempts of " + agent.id + ": " + own.attempts.error().message + "; the configured value applies");
  facts_.finish(agent, kLimits);
}

/// A breaker guards availability, not access: what cannot be read is a closed circuit, and an operator hears of it.
void FactReader::take_circuit(AgentFacts& agent, const redis::Reply& reply) {
  const auto values = redis::values_of(reply);
  Result<Circuit> circuit = reply.is_array() ? parse_circuit(values) : Result<Circuit>(redis::error_of(reply));
  if (!circuit) report_problem("circuit of " + agent.id + ": " + circuit.error().message + "; treated as closed");
  agent.breaker.learn(circuit ? *circuit : closed_circuit(values), breaker_);
  facts_.finish(agent, kCircuit);
}

void FactReader::take_role(const std::string& name, const redis::Reply& reply) {
  if (!reply.is_array()) return facts_.finish(Role::unreadable(name, reply.text));
  std::vector<std::string_view> permissions;
  for (const auto& permission : reply) permissions.push_back(permission.text);
  facts_.finish(Role::parse(name, permissions));
}

void FactReader::take_entry(const StreamEntryRead& entry, const redis::Reply& reply) {
  entry.ret_blob->clear();
  *entry.ret_failed = !reply.is_array();
  if (!reply.is_array() || reply.count != 1) return;
  if (const redis::Reply* blob = redis::entry_field(reply[0], "b")) *entry.ret_blob = blob->text;
}

void FactReader::take_length(TargetStream& inbox, const redis::Reply& reply) {
  if (reply.is_integer()) return inbox.measured(static_cast<uint64_t>(reply.integer), mono_now());
  inbox.known = true;
  inbox.backlog.clear();
  inbox.read_at = mono_now();
  inbox.failing = printable(reply.text, 200);
  inbox.failing_until = inbox.read_at + kFailingFor;
}

}  // namespace mas::gateway
