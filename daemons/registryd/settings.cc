// Every option of mas-registryd with its range and help.
#include "daemons/registryd/settings.h"

namespace mas::registry {

void Settings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  common::Settings::describe(table);
  table.section("registry", "The index of agents and capabilities.");
  table.duration("reconcile_interval", reconcile_interval, {100ms, 24h}, Apply::kReload,
                 "Rest between two full passes over the registry. A registration whose event was missed is found "
                 "by the next one.");
  table.choice(
      "profile", profile, common::kProfileNames, Apply::kRestart,
      "development: every agent is indexed. production: only those with an id that libmas takes; an entry such as "
      "agent:bob:x is no agent's.");
  table.integer("max_agents", max_agents, {1, 100'000'000}, Apply::kRestart,
                "Agents that are indexed at most. With more of them the index is not announced, and clients look "
                "through the registry themselves.");
  table.section("lease", "Which of several processes is the active one.");
  table.duration("ttl", lease_ttl, {300ms, 10min}, Apply::kRestart,
                 "How long the active process may be silent before another one takes over.");
}

}  // namespace mas::registry
