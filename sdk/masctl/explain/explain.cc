// The checks, one function each.
#include "sdk/masctl/explain/explain.h"

#include <algorithm>

#include "daemons/gatewayd/breaker/breaker.h"
#include "daemons/gatewayd/policy/stages.h"

namespace mas::ctl {

namespace {

Check denied(std::string name, Decision decision, std::string rule) {
  return {std::move(name), decision, std::move(rule)};
}

bool good(WallMicros until, WallMicros now) { return until == 0 || now <= until; }

/// A sender without an identity: by the token of its registry entry, where the profile takes that.
Check check_registry_token(const ExplainFacts& facts) {
  if (facts.profile == Profile::kProduction)
    return denied("identity", Decision::kAuthFailed, "no identity; 'masctl identity create' creates one");
  if (!facts.takes_registry_token)
    return denied("identity", Decision::kAuthFailed, "no identity, and auth.registry_tokens is false");
  if (!facts.sender_standing.has_registry_token)
    return denied("identity", Decision::kAuthFailed, "no identity, and no registry entry with a token");
  return {"identity", Decision::kAllowed, "no identity; the token of the registry entry is accepted"};
}

Check check_credentials(const ExplainFacts& facts, const Identity& identity) {
  bool key = std::any_of(identity.keys.begin(), identity.keys.end(),
                         [&](const auto& each) { return good(each.not_after, facts.now); });
  if (facts.profile == Profile::kProduction && !key)
    return denied("identity", Decision::kAuthFailed, "active, but without a valid key; messages must be signed");
  if (!key && !identity.token_hash)
    return denied("identity", Decision::kAuthFailed, "active, but with neither a valid token nor a valid key");
  return {"identity", Decision::kAllowed, "active"};
}

Check check_identity(const ExplainFacts& facts) {
  const auto& identity = facts.sender_standing.identity;
  if (!identity.ok() && identity.error().code == Errc::kNotFound) return check_registry_token(facts);
  if (!identity.ok()) return denied("identity", Decision::kUnavailable, "cannot be read: " + identity.error().message);
  if (identity->state == IdentityState::kRevoked) return denied("identity", Decision::kRevoked, "revoked");
  if (!good(identity->expires_at, facts.now)) return denied("identity", Decision::kRevoked, "expired");
  if (identity->state == IdentityState::kSuspended) return denied("identity", Decision::kSuspended, "suspended");
  return check_credentials(facts, *identity);
}

Check check_authorisation(const ExplainFacts& facts) {
  std::vector<const gateway::Role*> roles;
  for (const auto& role : facts.roles) roles.push_back(&role);
  auto fallback =
      facts.profile == Profile::kProduction ? gateway::DefaultRule::kDeny : gateway::DefaultRule::kAllowWithoutAny;
  auto verdict = gateway::authorise(facts.target, facts.rules, roles, fallback);
  return {"authorisation", verdict.allowed ? Decision::kAllowed : Decision::kAuthzDenied, verdict.describe()};
}

Check check_target(const ExplainFacts& facts) {
  const AgentStanding& target = facts.target_standing;
  bool takes_part = target.registered && target.gateway_mode;
  bool known = target.identity.ok() || target.identity.error().code != Errc::kNotFound;
  bool admitted = known && !(target.identity.ok() && target.identity->state == IdentityState::kRevoked);
  if (takes_part && target.active) return {"target", Decision::kAllowed, "registered, in gateway mode, active"};
  if (takes_part) return {"target", Decision::kQueuedOffline, "registered, in gateway mode, not active"};
  if (admitted) return {"target", Decision::kQueuedOffline, "has an identity, but is not registered"};
  if (!known && !target.registered && target.has_stream)
    return {"target", Decision::kQueuedOffline, "stopped; its stream remains"};
  return denied("target", Decision::kTargetNotFound,
                target.registered ? "registered, but not in gateway mode" : "no such agent is registered");
}

Check check_limits(const ExplainFacts& facts) {
  if (!facts.limits.ok()) return denied("limits", Decision::kRateLimited, facts.limits.error().message);
  if (!facts.own_limits) return {"limits", Decision::kAllowed, "the gateway's defaults"};
  return {"limits", Decision::kAllowed, "its own: " + facts.limits->describe()};
}

/// Asks a copy, which changes nothing. How long a gateway lets a circuit be open stands in the circuit.
Check check_circuit(const ExplainFacts& facts) {
  if (!facts.circuit.ok())
    return {"circuit", Decision::kAllowed, "treated as closed: " + facts.circuit.error().message};
  const gateway::BreakerSettings settings{.max_open = std::chrono::hours(24), .grace = Duration::zero()};
  const AgentStanding& target = facts.target_standing;
  gateway::Breaker breaker;
  breaker.learn(*facts.circuit, settings);
  breaker.seen(target.registered && target.gateway_mode && target.active, settings, facts.now);
  switch (breaker.admit(settings, facts.now)) {
    case gateway::Admission::kPass:
      return {"circuit", Decision::kAllowed, "closed"};
    case gateway::Admission::kTrial:
      return {"circuit", Decision::kAllowed, "half-open: a message is let through while there are trials left"};
    case gateway::Admission::kRefuse:
      break;
  }
  std::string rule = breaker.describe();
  if (uint32_t wait = breaker.retry_after_ms(facts.now); wait > 0)
    rule += ", for " + std::to_string((wait + 999) / 1000) + " s";
  return denied("circuit", Decision::kCircuitOpen, std::move(rule));
}

/// Checks two agents without a message: the stages that need one say nothing.
struct PairJudge {
  const ExplainFacts& facts;
  std::vector<Check> checks{};

  void decode() {}
  void identity() { checks.push_back(check_identity(facts)); }
  void authorisation() { checks.push_back(check_authorisation(facts)); }
  void target() { checks.push_back(check_target(facts)); }
  void deadline() {}
  void guard() {}
  void rate() { checks.push_back(check_limits(facts)); }
  void content() {}
  void circuit() { checks.push_back(check_circuit(facts)); }
  void backlog() {}
  void approval() {}
  void lane() {}
};

}  // namespace

std::string_view profile_text(Profile profile) {
  return profile == Profile::kProduction ? "production" : "development";
}

std::optional<Profile> parse_profile(std::string_view text) {
  for (Profile profile : {Profile::kDevelopment, Profile::kProduction})
    if (text == profile_text(profile)) return profile;
  return std::nullopt;
}

Explanation explain(const ExplainFacts& facts) {
  PairJudge judge{facts};
  for (const auto& stage : gateway::kStages<PairJudge>) (judge.*stage.judged)();
  Explanation out;
  out.checks = std::move(judge.checks);
  auto refused = std::find_if(out.checks.begin(), out.checks.end(),
                              [](const auto& check) { return !decision_accepted(check.decision); });
  constexpr size_t kAuthorisation = 1, kTarget = 2;
  if (refused != out.checks.end())
    out.deciding = static_cast<size_t>(refused - out.checks.begin());
  else  // what let it through; where it only waits for its target, that
    out.deciding = out.checks[kTarget].decision == Decision::kAllowed ? kAuthorisation : kTarget;
  return out;
}

}  // namespace mas::ctl
