// Names and help of registryd's metrics.
#include "daemons/registryd/stats.h"

namespace mas::registry {

namespace {
constexpr std::string_view kEvents = "events_total";
constexpr std::string_view kEventsHelp = "Events received on mas.system, by type.";
constexpr std::string_view kReconciles = "reconciles_total";
constexpr std::string_view kReconcilesHelp = "Full passes over the registry, by result.";
}  // namespace

Stats::Stats(common::Metrics& metrics)
    : active(metrics.gauge("active", "1 while this process holds the lease and keeps the index.")),
      complete(metrics.gauge("index_complete", "1 while the index is complete and announced as mas.index.")),
      agents(metrics.gauge("agents", "Agents in the index.")),
      capabilities(metrics.gauge("capabilities", "Capabilities in the index.")),
      invalid_entries(metrics.gauge("invalid_entries", "Entries that the last full pass could not index.")),
      users(metrics.gauge("users", "Records of enrolled users of Redis.")),
      users_written(metrics.counter("users_written_total", "Users of Redis that were written or restored.")),
      users_removed(metrics.counter("users_removed_total", "Users of Redis that were removed.")),
      not_indexed(metrics.counter("not_indexed_total", "Reads of an entry that could not be indexed.")),
      events_malformed(metrics.counter(kEvents, kEventsHelp, {{"type", "malformed"}})),
      events_overflow(metrics.counter("events_overflow_total",
                                      "Events that exceeded the bound on waiting lookups; a full pass covers them.")),
      lookups(metrics.counter("lookups_total", "Entries read.")),
      index_writes(metrics.counter("index_writes_total", "SADD and SREM commands written to the index.")),
      reconciles(metrics.counter(kReconciles, kReconcilesHelp, {{"result", "ok"}})),
      reconcile_failures(metrics.counter(kReconciles, kReconcilesHelp, {{"result", "failed"}})),
      reconcile_seconds(metrics.seconds("reconcile_seconds", "Duration of a full pass.")),
      metrics_(metrics) {}

common::Counter& Stats::event(EventType type) {
  std::string label = type == EventType::kUnknown ? "unknown" : std::string(event_text(type));
  return metrics_.counter(kEvents, kEventsHelp, {{"type", label}});
}

}  // namespace mas::registry
