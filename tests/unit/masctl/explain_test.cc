// The decision that `explain` tells, for each thing that can be in its way.
#include "sdk/masctl/explain/explain.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

namespace {

constexpr WallMicros kNow = 1'795'350'096'000'000;

Identity identity(IdentityState state = IdentityState::kActive, WallMicros key_until = 0) {
  Identity out;
  out.state = state;
  out.keys.push_back({"k1", "sealed", kNow - 1, key_until});
  return out;
}

/// alice may send to bob, who is there.
ExplainFacts good_facts(Profile profile = Profile::kProduction) {
  ExplainFacts facts;
  facts.sender = "alice";
  facts.target = "bob";
  facts.profile = profile;
  facts.sender_standing = {true, true, true, true, identity(), true};
  facts.target_standing = {true, true, true, true, identity(), true};
  std::string_view allowed[] = {"bob"};
  facts.rules = gateway::parse_rules(allowed, {}, {});
  facts.now = kNow;
  return facts;
}

std::string told(const ExplainFacts& facts) {
  auto explanation = explain(facts);
  const Check& check = explanation.decided_by();
  return std::string(decision_text(check.decision)) + " by " + check.name + ": " + check.rule;
}

}  // namespace

TEST_CASE("what is allowed is told with the rule that allows it") {
  CHECK(told(good_facts()) == "ALLOWED by authorisation: allowed_targets: bob");
  auto facts = good_facts(Profile::kDevelopment);
  facts.rules = {};
  CHECK(told(facts) == "ALLOWED by authorisation: default: allow");
  facts.profile = Profile::kProduction;
  CHECK(told(facts) == "AUTHZ_DENIED by authorisation: default: deny");
  std::string_view permissions[] = {"send:b*"};
  facts.roles.push_back(gateway::Role::parse("nurse", permissions));
  CHECK(told(facts) == "ALLOWED by authorisation: role nurse: send:b*");
}

TEST_CASE("an identity that is in the way comes before everything else") {
  auto facts = good_facts();
  facts.rules = {};
  facts.sender_standing.identity = identity(IdentityState::kSuspended);
  CHECK(told(facts) == "SUSPENDED by identity: suspended");
  facts.sender_standing.identity = identity(IdentityState::kRevoked);
  CHECK(told(facts) == "REVOKED by identity: revoked");
  facts.sender_standing.identity = identity();
  facts.sender_standing.identity->expires_at = kNow - 1;
  CHECK(told(facts) == "REVOKED by identity: expired");
  facts.sender_standing.identity = Error{Errc::kMalformed, "field 'state' is wrong"};
  CHECK(told(facts) == "UNAVAILABLE by identity: cannot be read: field 'state' is wrong");
}

TEST_CASE("who has no identity is known by the token of its entry, in development only") {
  auto facts = good_facts(Profile::kDevelopment);
  facts.sender_standing.identity = Error{Errc::kNotFound, ""};
  CHECK(told(facts) == "ALLOWED by authorisation: allowed_targets: bob");
  facts.sender_standing.has_registry_token = false;
  CHECK(told(facts).starts_with("AUTH_FAILED by identity"));
  facts = good_facts(Profile::kProduction);
  facts.sender_standing.identity = Error{Errc::kNotFound, ""};
  CHECK(told(facts).starts_with("AUTH_FAILED by identity: no identity"));
}

TEST_CASE("production asks for a key that is good, development for a token or one") {
  auto facts = good_facts(Profile::kProduction);
  facts.sender_standing.identity = identity(IdentityState::kActive, kNow - 1);
  CHECK(told(facts).starts_with("AUTH_FAILED by identity: active, but without a valid key"));
  facts.profile = Profile::kDevelopment;
  CHECK(told(facts).starts_with("AUTH_FAILED by identity: active, but with neither"));
  facts.sender_standing.identity->token_hash.emplace();
  CHECK(told(facts).starts_with("ALLOWED"));
  facts.profile = Profile::kProduction;
  CHECK(told(facts).starts_with("AUTH_FAILED"));
}

TEST_CASE("the target: absent, not in gateway mode, away") {
  auto facts = good_facts();
  facts.target_standing = {};
  CHECK(told(facts) == "TARGET_NOT_FOUND by target: no such agent is registered");
  facts.target_standing.registered = true;
  CHECK(told(facts) == "TARGET_NOT_FOUND by target: registered, but not in gateway mode");
  facts.target_standing.gateway_mode = true;
  CHECK(told(facts) == "QUEUED_OFFLINE by target: registered, in gateway mode, not active");
  facts.target_standing = {};
  facts.target_standing.has_stream = true;
  CHECK(told(facts) == "QUEUED_OFFLINE by target: stopped; its stream remains");
  facts.target_standing.registered = true;
  CHECK(told(facts) == "TARGET_NOT_FOUND by target: registered, but not in gateway mode");
  facts.target_standing = {};
  facts.target_standing.identity = identity();
  CHECK(told(facts).starts_with("QUEUED_OFFLINE by target: has an identity"));
  facts.target_standing.identity = identity(IdentityState::kRevoked);
  facts.target_standing.has_stream = true;
  CHECK(told(facts).starts_with("TARGET_NOT_FOUND"));
  facts.rules = {};  // who may not send to it does not learn whether it exists
  CHECK(told(facts).starts_with("AUTHZ_DENIED"));
}

TEST_CASE("limits that cannot be read refuse; those that can are told") {
  auto facts = good_facts();
  facts.limits = Error{Errc::kMalformed, "burst is 'x'"};
  CHECK(told(facts) == "RATE_LIMITED by limits: burst is 'x'");
  facts.limits = gateway::LimitSettings{.per_minute = 10};
  facts.own_limits = true;
  CHECK(explain(facts).checks[3].rule == "its own: 10 per minute, burst 10");
}

TEST_CASE("an open circuit is in the way until its time is over or its agent is back") {
  using gateway::CircuitCause, gateway::CircuitState;
  constexpr WallMicros kHour = 3'600'000'000;
  auto facts = good_facts();
  auto told_with = [&](CircuitState state, WallMicros until, CircuitCause cause) {
    facts.circuit = gateway::Circuit{state, 3, kNow - kHour, until, 1, cause};
    auto explanation = explain(facts);
    REQUIRE(explanation.checks.back().name == "circuit");
    return std::string(decision_text(explanation.decided_by().decision)) + ": " + explanation.checks.back().rule;
  };
  CHECK(told_with(CircuitState::kClosed, 0, CircuitCause::kFailures) == "ALLOWED: closed");
  CHECK(told_with(CircuitState::kOpen, kNow + kHour, CircuitCause::kFailures) ==
        "CIRCUIT_OPEN: circuit open: failures, for 3600 s");
  CHECK(told_with(CircuitState::kOpen, kNow, CircuitCause::kFailures).starts_with("ALLOWED: half-open"));
  CHECK(told_with(CircuitState::kForcedOpen, 0, CircuitCause::kOperator) == "CIRCUIT_OPEN: circuit open: operator");
  CHECK(told_with(CircuitState::kOpen, 0, CircuitCause::kInactive) == "ALLOWED: closed");
  facts.target_standing.active = false;
  CHECK(told_with(CircuitState::kOpen, 0, CircuitCause::kInactive) == "CIRCUIT_OPEN: circuit open: inactive");
  facts.circuit = Error{Errc::kMalformed, "circuit: since is missing"};
  CHECK(explain(facts).checks.back().rule == "treated as closed: circuit: since is missing");
}
