// The gateway's settings, filled and taken apart.
#include "sdk/masctl/policy/gateway_config.h"

#include "daemons/common/option_sources.h"
#include "daemons/gatewayd/settings/settings.h"
#include "sdk/masctl/cli/input_file.h"

namespace mas::ctl {

namespace {

GatewayConfig values_of(const gateway::Settings& settings) {
  GatewayConfig config;
  config.policy = settings.policy();
  config.limits = settings.default_limits();
  config.max_envelope = settings.max_envelope;
  config.dlp_rules_file = settings.dlp_rules_file;
  config.encrypts = !settings.dlp_key_file.empty();
  config.encryption_key_id = settings.dlp_key_id;
  return config;
}

}  // namespace

GatewayConfig default_gateway_config(bool production) {
  gateway::Settings settings;
  if (production) settings.profile = gateway::Profile::kProduction;
  return values_of(settings);
}

/// Not settings.check(): it looks into files with keys, which concern nobody but the gateway.
GatewayConfig read_gateway_config(const std::string& file, std::vector<std::string>& problems) {
  gateway::Settings settings;
  auto text = read_input(file, common::kMaxConfigBytes, "a gateway's configuration");
  if (!text.ok()) {
    problems.push_back(text.error().message);
    return {};
  }
  common::OptionTable table;
  settings.describe(table);
  common::apply_toml(table, *text, file, problems);
  return values_of(settings);
}

}  // namespace mas::ctl
