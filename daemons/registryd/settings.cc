// Every option of mas-registryd with its range and help.
#include "daemons/registryd/settings.h"

namespace mas::registry {

void Settings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  common::Settings::describe(table);
  table.section("registry", "The index of agents and capabilities.");
  table.duration(
      "reconcile_interval", reconcile_interval, {100ms, 24h}, Apply::kReload,
      "Pause between two full passes over the registry. A pass finds agents whose registration event was missed.");
  table.choice("profile", profile, common::kProfileNames, Apply::kRestart,
               "development: every agent is indexed. production: only agents whose id libmas accepts; an entry such as "
               "agent:bob:x does not count as an agent.");
  table.integer("max_agents", max_agents, {1, 100'000'000}, Apply::kRestart,
                "Maximum number of agents in the index. With more agents the index is not announced, and clients scan "
                "the registry themselves.");
  table.section("lease", "The lease that makes one of several processes the active one.");
  table.duration("ttl", lease_ttl, {300ms, 10min}, Apply::kRestart,
                 "Time after which another process takes over from a silent active one.");
}

}  // namespace mas::registry
