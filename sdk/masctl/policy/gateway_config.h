// What a gateway decides by, from its configuration file: read by the gateway's own option table, so that names, ranges
// and defaults are its. The environment and the command line of a running gateway are not known here.
//
// Failure: every problem is listed, each with file and line. Threading: none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/gatewayd/dlp/rules.h"
#include "daemons/gatewayd/limits/limit_settings.h"
#include "daemons/gatewayd/policy/policy.h"

namespace mas::ctl {

struct GatewayConfig {
  gateway::Policy policy;
  gateway::LimitSettings limits;  ///< of senders without limits of their own
  size_t max_envelope = 0;
  std::string dlp_rules_file;  ///< empty: the built-in rules
  bool encrypts = false;       ///< whether there is a key for values that are to be encrypted
  std::string encryption_key_id;

  bool production() const { return policy.default_rule == gateway::DefaultRule::kDeny; }
};

/// @param production the profile, as a gateway without configuration file would have it.
GatewayConfig default_gateway_config(bool production);

/// @param file its path. @param problems gets what is wrong; the result counts only where it stays empty.
GatewayConfig read_gateway_config(const std::string& file, std::vector<std::string>& problems);

}  // namespace mas::ctl
