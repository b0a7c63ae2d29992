// Names and help of healthd's metrics.
#include "daemons/healthd/stats.h"

namespace mas::health {

namespace {
constexpr std::string_view kAgents = "agents";
constexpr std::string_view kAgentsHelp =
    "Agents by state: unknown (not yet checked), waiting (no heartbeat, within its grace period), active, inactive, "
    "suppressed (flapping, held INACTIVE).";
constexpr std::string_view kDaemons = "daemons";
constexpr std::string_view kDaemonsHelp = "Daemons whose heartbeat exists, by name.";
constexpr std::string_view kTransitions = "transitions_total";
constexpr std::string_view kTransitionsHelp = "Changes of an agent's status, by the new status.";
constexpr std::string_view kHints = "hints_total";
constexpr std::string_view kHintsHelp = "Hints that an agent should be checked, by source.";
}  // namespace

Stats::Stats(common::Metrics& metrics)
    : active(metrics.gauge("active", "1 while this process holds the lease and watches.")),
      agents_unknown(metrics.gauge(kAgents, kAgentsHelp, {{"state", "unknown"}})),
      agents_waiting(metrics.gauge(kAgents, kAgentsHelp, {{"state", "waiting"}})),
      agents_active(metrics.gauge(kAgents, kAgentsHelp, {{"state", "active"}})),
      agents_inactive(metrics.gauge(kAgents, kAgentsHelp, {{"state", "inactive"}})),
      agents_suppressed(metrics.gauge(kAgents, kAgentsHelp, {{"state", "suppressed"}})),
      registryds(metrics.gauge(kDaemons, kDaemonsHelp, {{"daemon", "registryd"}})),
      gatewayds(metrics.gauge(kDaemons, kDaemonsHelp, {{"daemon", "gatewayd"}})),
      healthds(metrics.gauge(kDaemons, kDaemonsHelp, {{"daemon", "healthd"}})),
      to_active(metrics.counter(kTransitions, kTransitionsHelp, {{"to", "active"}})),
      to_inactive(metrics.counter(kTransitions, kTransitionsHelp, {{"to", "inactive"}})),
      flapping(metrics.counter("flapping_total", "Times that an agent was held INACTIVE for flapping.")),
      daemons_lost(metrics.counter("daemons_lost_total", "Daemons whose heartbeat ended without an orderly stop.")),
      lookups(metrics.counter("lookups_total", "Checks of an agent's entry and heartbeat.")),
      scans(metrics.counter("scans_total", "Completed scans of the registry.")),
      hints_event(metrics.counter(kHints, kHintsHelp, {{"source", "event"}})),
      hints_keyspace(metrics.counter(kHints, kHintsHelp, {{"source", "keyspace"}})),
      dropped(metrics.counter("agents_dropped_total",
                              "New agents that were not recorded for lack of room; a later scan finds them.")),
      late_looks(metrics.counter("late_looks_total", "Checks whose answer took more than a second.")),
      outages(
          metrics.counter("outages_total", "Outages of Redis after which agents got time to renew their heartbeats.")),
      lateness(metrics.seconds("lateness_seconds", "Time from the end of a heartbeat until INACTIVE was written.")) {}

}  // namespace mas::health
