// Counters and histograms of the turns.
#include "daemons/gatewayd/turn/turn_stats.h"

namespace mas::gateway {
namespace {

Histogram& stage(common::Metrics& metrics, std::string_view name) {
  return metrics.seconds("turn_stage_seconds", "Time of a turn's stages.", {{"stage", std::string(name)}});
}

}  // namespace

TurnStats::TurnStats(common::Metrics& metrics)
    : round_trips(metrics.counter("redis_round_trips_total", "Round trips to Redis in the path of messages.")),
      receipts(metrics.counter("receipts_total", "Receipts published.")),
      dropped_turns(metrics.counter("dropped_turns_total", "Turns that were begun and not committed.")),
      read_ahead(
          metrics.counter("turns_read_ahead_total", "Turns that were read while the previous one was in progress.")),
      fences(metrics.counter("fences_total", "Partitions whose epoch was raised.")),
      losses(
          metrics.counter("redis_losses_total", "Times that Redis lost data: came back empty or from an older state.")),
      clock_steps(metrics.counter("redis_clock_steps_total", "Times that Redis's clock was set.")),
      read_seconds(stage(metrics, "read")),
      fetch_seconds(stage(metrics, "fetch")),
      decide_seconds(stage(metrics, "decide")),
      commit_seconds(stage(metrics, "commit")),
      metrics_(metrics),
      turns_(metrics.counter("turns_total", "Turns committed.")),
      messages_(metrics.counter("messages_total", "Messages decided.")),
      bytes_(metrics.counter("message_bytes_total", "Bytes of the envelopes decided.")),
      repeated_(metrics.counter("repeated_messages_total", "Messages sent again and answered from memory.")),
      replayed_(metrics.counter("replayed_messages_total", "Dead letters decided again.")),
      archive_replayed_(metrics.counter("archive_replayed_messages_total", "Messages of the archive decided again.")),
      archived_(metrics.counter("archived_total", "Deliveries that were kept in the archive.")),
      gaps_(metrics.counter("sequence_gaps_total", "Frames that arrived before earlier ones that are missing.")),
      poison_(metrics.counter("poison_elements_total", "Elements of ingress lists that were not frames.")),
      not_kept_(
          metrics.counter("dead_letters_not_kept_total", "Dead letters that the queue did not accept; audited only.")),
      failures_(metrics.counter("handler_failures_total", "Messages whose handler failed, as agents reported it.")),
      retried_(metrics.counter("retried_messages_total", "Messages delivered again because their handler failed.")),
      error_replies_(metrics.counter("error_replies_total", "Requests given up and answered by an error reply.")),
      refusals_counted_(metrics.counter("refusals_counted_total",
                                        "Refusals past their budget: counted in the audit, not recorded one by one.")),
      shadow_(metrics.counter("shadow_refusals_total", "Refusals that policies in shadow mode would have made.")),
      dlp_suppressed_(metrics.counter("dlp_suppressed_total", "Findings that an allow-list let pass.")),
      entries_(metrics.counter("stream_entries_total", "Entries written into agents' streams.")),
      blocks_(metrics.counter("audit_blocks_total", "Audit blocks written.")) {
  for_each_decision([&](Decision decision) {
    decisions_[static_cast<uint8_t>(decision)] = &metrics.counter("decisions_total", "Decisions about messages.",
                                                                  {{"decision", std::string(decision_text(decision))}});
  });
}

void TurnStats::add(const SealedTurn& turn, const dlp::ContentStage* stage) {
  const Counts& counts = turn.counts;
  turns_.add();
  messages_.add(counts.messages);
  bytes_.add(counts.bytes);
  repeated_.add(counts.repeated);
  replayed_.add(counts.replayed);
  archive_replayed_.add(counts.archive_replayed);
  archived_.add(counts.archived);
  gaps_.add(counts.gaps);
  poison_.add(counts.poison);
  not_kept_.add(counts.not_kept);
  failures_.add(counts.failures);
  retried_.add(counts.retried);
  error_replies_.add(counts.error_replies);
  refusals_counted_.add(counts.refusals_counted);
  shadow_.add(counts.shadow);
  entries_.add(turn.deliveries.size());
  blocks_.add(turn.audit_blocks);
  for_each_decision([&](Decision decision) {
    auto value = static_cast<uint8_t>(decision);
    if (counts.decisions[value] > 0) decisions_[value]->add(counts.decisions[value]);
  });
  if (stage != nullptr) add_findings(turn, stage->rules());
}

/// A pair of type and action is a series from its first finding on.
void TurnStats::add_findings(const SealedTurn& turn, const dlp::Rules& rules) {
  dlp_suppressed_.add(turn.suppressed);
  const auto& counts = turn.findings;
  for (size_t type = 0; type < counts.size(); ++type)
    for (size_t action = 0; action < counts[type].size(); ++action) {
      if (counts[type][action] == 0) continue;
      metrics_
          .counter("dlp_findings_total", "Findings in payloads, by type and action.",
                   {{"type", rules.types[type].name}, {"action", std::string(dlp::kActionNames[action])}})
          .add(counts[type][action]);
    }
}

uint64_t TurnStats::decided(Decision decision) const {
  const auto* counter = decisions_[static_cast<uint8_t>(decision)];
  return counter == nullptr ? 0 : counter->value();
}

}  // namespace mas::gateway
