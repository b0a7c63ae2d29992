// `explain`: what a gateway would decide about a message from one agent to another, and by which rule. Pure.
//
// The checks are those of the gateway, in its order and by its own engines, as far as they can be made from what Redis
// holds; the first denial is the decision. What only the message tells (signature, time, sequence, deadline, payload)
// and what only the moment tells (the sender's rate, the target's backlog) is not judged.
// Threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/gatewayd/authz/authorise.h"
#include "daemons/gatewayd/breaker/circuit.h"
#include "daemons/gatewayd/limits/limit_settings.h"
#include "proto/base/clock.h"
#include "proto/base/decisions.h"
#include "proto/wire/identity.h"

namespace mas::ctl {

enum class Profile : uint8_t { kDevelopment, kProduction };

std::string_view profile_text(Profile profile);
std::optional<Profile> parse_profile(std::string_view text);

/// One agent's registry entry and identity, as far as they matter here.
struct AgentStanding {
  bool registered = false;
  bool gateway_mode = false;
  bool active = false;
  bool has_registry_token = false;
  Result<Identity> identity = Error{Errc::kNotFound, "no identity"};
  bool has_stream = false;  ///< of a target: it took part in gateway mode once
};

struct ExplainFacts {
  std::string sender, target;
  Profile profile = Profile::kDevelopment;
  bool takes_registry_token = true;  ///< in profile development
  AgentStanding sender_standing, target_standing;
  gateway::SenderRules rules;
  std::vector<gateway::Role> roles;                                  ///< of the sender, those that exist
  bool own_limits = false;                                           ///< whether the sender has any limit of its own
  Result<gateway::LimitSettings> limits = gateway::LimitSettings{};  ///< its own; without defaults
  Result<gateway::Circuit> circuit = gateway::Circuit{};             ///< of the target
  WallMicros now = 0;
};

struct Check {
  std::string name;  ///< "identity", "authorisation", "target", "limits", "circuit"
  Decision decision = Decision::kAllowed;
  std::string rule;  ///< one line: why
};

struct Explanation {
  std::vector<Check> checks;
  /// The check that decides: the first denial; without one what authorised the message, or a target that is away.
  size_t deciding = 0;

  const Check& decided_by() const { return checks[deciding]; }
};

Explanation explain(const ExplainFacts& facts);

}  // namespace mas::ctl
