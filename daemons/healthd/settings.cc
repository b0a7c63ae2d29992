// Every option of mas-healthd with its range and help.
#include "daemons/healthd/settings.h"

namespace mas::health {

void Settings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  common::Settings::describe(table);
  table.section("health", "Liveness of agents: heartbeats, scans and flapping.");
  table.duration("default_ttl", default_ttl, {100ms, 24h}, Apply::kReload,
                 "Time-to-live that is assumed for an agent until its first heartbeat is seen. It is also the longest "
                 "time between two checks of a living agent.");
  table.duration("scan_interval", scan_interval, {100ms, 24h}, Apply::kReload,
                 "Pause between two scans of the registry. A scan finds agents whose registration event was missed.");
  table.choice("profile", profile, common::kProfileNames, Apply::kRestart,
               "development: every agent is watched. production: only agents whose id libmas accepts; an entry such as "
               "agent:bob:x does not count as an agent.");
  table.integer("max_agents", max_agents, {1, 100'000'000}, Apply::kRestart,
                "Maximum number of agents that are watched.");
  table.integer("flap_suppress", flap_suppress, {1, 1'000'000}, Apply::kReload,
                "Penalty at which a flapping agent is held INACTIVE. Each change to INACTIVE adds 1000.");
  table.integer("flap_reuse", flap_reuse, {1, 1'000'000}, Apply::kReload,
                "Penalty to which a held agent must decay before it may become ACTIVE again; less than flap_suppress.");
  table.duration("flap_half_life", flap_half_life, {1s, 24h}, Apply::kReload, "Time in which a penalty halves.");
  table.duration("flap_max_hold", flap_max_hold, {1s, 24h}, Apply::kReload,
                 "Longest time that an agent is held, counted from its last change to INACTIVE.");
  table.section("lease", "The lease that makes one of several processes the active one.");
  table.duration("ttl", lease_ttl, {300ms, 10min}, Apply::kRestart,
                 "Time after which another process takes over from a silent active one.");
}

void Settings::check(common::Problems& problems) const {
  common::Settings::check(problems);
  if (flap_reuse >= flap_suppress)
    problems.push_back("health.flap_reuse is " + std::to_string(flap_reuse) + "; expected less than flap_suppress, " +
                       std::to_string(flap_suppress));
}

LivenessOptions Settings::liveness() const {
  LivenessOptions options;
  options.default_ttl = default_ttl;
  options.max_agents = static_cast<size_t>(max_agents);
  options.damping.suppress = static_cast<double>(flap_suppress);
  options.damping.reuse = static_cast<double>(flap_reuse);
  options.damping.half_life = flap_half_life;
  options.damping.max_hold = flap_max_hold;
  return options;
}

}  // namespace mas::health
