// Every option of mas-healthd with its range and help.
#include "daemons/healthd/settings.h"

namespace mas::health {

void Settings::describe(common::OptionTable& table) {
  using namespace std::chrono_literals;
  using common::Apply;
  common::Settings::describe(table);
  table.section("health", "How agents are watched.");
  table.duration("default_ttl", default_ttl, {100ms, 24h}, Apply::kReload,
                 "Time-to-live that is assumed of an agent whose heartbeat was not seen yet, and the longest time "
                 "between two looks at a living agent.");
  table.duration("scan_interval", scan_interval, {100ms, 24h}, Apply::kReload,
                 "Rest between two walks over the registry, which find agents whose registration was not heard.");
  table.choice(
      "profile", profile, common::kProfileNames, Apply::kRestart,
      "development: every agent is watched. production: only those with an id that libmas takes; an entry such as "
      "agent:bob:x is no agent's.");
  table.integer("max_agents", max_agents, {1, 100'000'000}, Apply::kRestart, "Agents that are watched at most.");
  table.integer("flap_suppress", flap_suppress, {1, 1'000'000}, Apply::kReload,
                "Penalty at which an agent that comes and goes is held INACTIVE. Each time that it turns INACTIVE adds "
                "1000.");
  table.integer("flap_reuse", flap_reuse, {1, 1'000'000}, Apply::kReload,
                "Penalty at which it may be ACTIVE again; below flap_suppress.");
  table.duration("flap_half_life", flap_half_life, {1s, 24h}, Apply::kReload, "Time in which a penalty halves.");
  table.duration("flap_max_hold", flap_max_hold, {1s, 24h}, Apply::kReload,
                 "Longest time that an agent is held after it last turned INACTIVE.");
  table.section("lease", "Which of several processes is the active one.");
  table.duration("ttl", lease_ttl, {300ms, 10min}, Apply::kRestart,
                 "How long the active process may be silent before another one takes over.");
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
