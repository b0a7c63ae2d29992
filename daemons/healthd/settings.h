// The settings of mas-healthd.
#pragma once

#include "daemons/common/settings.h"
#include "daemons/healthd/liveness.h"

namespace mas::health {

struct Settings : common::Settings {
  Settings() : common::Settings(9463) {}
  void describe(common::OptionTable& table) override;
  void check(common::Problems& problems) const override;

  LivenessOptions liveness() const;

  Duration default_ttl = std::chrono::seconds(60);
  Duration scan_interval = std::chrono::seconds(30);
  common::Profile profile = common::Profile::kDevelopment;
  int64_t max_agents = 1'000'000;
  int64_t flap_suppress = 2500;
  int64_t flap_reuse = 1000;
  Duration flap_half_life = std::chrono::seconds(60);
  Duration flap_max_hold = std::chrono::minutes(5);
  Duration lease_ttl = std::chrono::seconds(10);
};

}  // namespace mas::health
