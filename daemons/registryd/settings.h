// The settings of mas-registryd.
#pragma once

#include "daemons/common/settings.h"

namespace mas::registry {

struct Settings : common::Settings {
  Settings() : common::Settings(9461) {}
  void describe(common::OptionTable& table) override;

  Duration reconcile_interval = std::chrono::seconds(30);
  common::Profile profile = common::Profile::kDevelopment;
  int64_t max_agents = 1'000'000;
  Duration lease_ttl = std::chrono::seconds(10);
};

}  // namespace mas::registry
