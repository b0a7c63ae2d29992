// Groups: wanted, read, known, forgotten.
#include "daemons/gatewayd/facts/facts.h"

#include <utility>

namespace mas::gateway {

void TargetStream::measured(uint64_t length, MonoTime now) {
  left += backlog.measured(length);
  known = true;
  read_at = now;
}

AgentFacts& Facts::need(std::string_view id, uint8_t groups) {
  auto found = agents_.find(id);
  if (found == agents_.end()) found = agents_.try_emplace(std::string(id), id).first;
  AgentFacts& agent = found->second;
  auto missing = static_cast<uint8_t>(groups & ~agent.known & ~agent.awaited);
  if (missing == 0) return agent;
  agent.awaited |= missing;
  wanted_.push_back({&agent, missing});
  return agent;
}

void Facts::need_roles(AgentFacts& agent) {
  if (agent.has_roles || !agent.knows(kRules)) return;
  agent.roles.clear();
  bool complete = true;
  for (const auto& name : agent.rules.roles) {
    KnownRole& known = roles_[name];
    if (known.role) {
      agent.roles.push_back(&*known.role);
      continue;
    }
    complete = false;
    if (!std::exchange(known.reading, true)) wanted_roles_.push_back(name);
  }
  agent.has_roles = complete;
}

std::vector<Facts::Wanted> Facts::take_wanted() { return std::exchange(wanted_, {}); }
std::vector<std::string> Facts::take_wanted_roles() { return std::exchange(wanted_roles_, {}); }

void Facts::finish(AgentFacts& agent, uint8_t group) {
  agent.awaited &= static_cast<uint8_t>(~group);
  agent.known |= group;
}

void Facts::finish(Role role) {
  KnownRole& known = roles_[role.name()];
  known.reading = false;
  known.role = std::move(role);
}

void Facts::abandon() {
  wanted_.clear();
  wanted_roles_.clear();
  for (auto& [id, agent] : agents_) agent.awaited = 0;
  for (auto& [name, role] : roles_) role.reading = false;
  end_turn();
}

/// What is being read, or held, is marked and forgotten at the end of the turn.
bool Facts::forget(AgentFacts& agent, uint8_t groups) {
  bool was_known = (agent.known & groups) != 0;
  auto later = static_cast<uint8_t>(groups & (held_ ? agent.awaited | agent.known : agent.awaited));
  auto now = static_cast<uint8_t>(groups & ~later);
  agent.known &= static_cast<uint8_t>(~now);
  if ((now & kRules) != 0) agent.has_roles = false;
  if (later != 0 && agent.stale == 0) stale_agents_.push_back(&agent);
  agent.stale |= later;
  return was_known;
}

bool Facts::forget_role(std::string_view name) {
  auto found = roles_.find(name);
  if (found == roles_.end()) return false;
  return forget_role(found->second);
}

bool Facts::forget_role(KnownRole& known) {
  const bool was_known = known.role.has_value();
  if (mark_role(known)) unresolve_roles();
  return was_known;
}

/// @return whether it was forgotten at once: those who had it have to find it again.
bool Facts::mark_role(KnownRole& known) {
  const bool was_known = known.role.has_value();
  known.stale = known.reading || (held_ && was_known);
  some_roles_stale_ = some_roles_stale_ || known.stale;
  if (!was_known || known.stale) return false;
  known.role.reset();
  return true;
}

/// Roles change seldom; whoever has one finds it again.
void Facts::unresolve_roles() {
  for (auto& [id, agent] : agents_) {
    agent.roles.clear();
    agent.has_roles = false;
  }
}

bool Facts::changed(std::string_view key) {
  if (auto id = keys_.agent_id_of_identity(key); !id.empty()) {
    auto found = agents_.find(id);
    return found != agents_.end() && forget(found->second, kIdentity);
  }
  if (auto id = keys_.agent_id_of_limits(key); !id.empty()) {
    auto found = agents_.find(id);
    return found != agents_.end() && forget(found->second, kLimits);
  }
  if (auto id = keys_.agent_id_of_circuit(key); !id.empty()) {
    auto found = agents_.find(id);
    return found != agents_.end() && forget(found->second, kCircuit);
  }
  if (auto role = keys_.role_of_permissions(key); !role.empty()) return forget_role(role);
  if (auto id = keys_.agent_id_of_rules(key); !id.empty()) {
    auto found = agents_.find(id);
    return found != agents_.end() && forget(found->second, kRules);
  }
  auto found = agents_.find(keys_.agent_id_of_key(key));  // `id:heartbeat` and the like is no agent's
  return found != agents_.end() && forget(found->second, kPresence);
}

void Facts::forget_all() {
  for (auto& [id, agent] : agents_) forget(agent, kAllGroups);
  bool any = false;
  for (auto& [name, known] : roles_) any = mark_role(known) || any;
  if (any) unresolve_roles();
}

void Facts::forget_circuit(std::string_view id) {
  if (auto found = agents_.find(id); found != agents_.end()) forget(found->second, kCircuit);
}

std::array<size_t, std::size(kCircuitStateNames)> Facts::circuits() const {
  std::array<size_t, std::size(kCircuitStateNames)> counts{};
  for (const auto& [id, agent] : agents_)
    if (agent.knows(kCircuit)) ++counts[static_cast<size_t>(agent.breaker.circuit().state)];
  return counts;
}

void Facts::end_turn() {
  held_ = false;
  for (AgentFacts* agent : std::exchange(stale_agents_, {})) forget(*agent, std::exchange(agent->stale, 0));
  if (!std::exchange(some_roles_stale_, false)) return;
  bool any = false;
  for (auto& [name, known] : roles_)
    if (std::exchange(known.stale, false)) any = mark_role(known) || any;
  if (any) unresolve_roles();
}

void Facts::shrink(size_t most) {
  if (agents_.size() <= most) return;
  agents_.clear();
  roles_.clear();
}

}  // namespace mas::gateway
