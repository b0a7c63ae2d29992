// The gateway's own options.
#pragma once

#include "daemons/common/settings.h"

namespace mas::gateway {

struct Settings : common::Settings {
  Settings() : common::Settings(9462) {}

  Duration lease_ttl = std::chrono::seconds(5);

  void describe(common::OptionTable& table) override {
    using namespace std::chrono_literals;
    common::Settings::describe(table);
    table.section("lease", "Ownership of partitions.");
    table.duration("ttl", lease_ttl, {1s, 1min}, common::Apply::kRestart,
                   "How long a partition stays with a gateway that has gone silent. Shorter fails over faster and asks "
                   "Redis more often: a renewal per partition every third of it.");
  }
};

}  // namespace mas::gateway
