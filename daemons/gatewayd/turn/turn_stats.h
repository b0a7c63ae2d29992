// What the turns did, as metrics. Threading: loop thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "daemons/common/metrics.h"
#include "daemons/gatewayd/turn/decider.h"

namespace mas::gateway {

class TurnStats {
 public:
  explicit TurnStats(common::Metrics& metrics);

  /// A turn was committed. @param stage that looked at its payloads; nullptr: none did.
  void add(const SealedTurn& turn, const dlp::ContentStage* stage);
  /// A stage ended now, and the next begins.
  static void stage_over(Histogram& histogram, MonoTime& began) {
    const MonoTime now = mono_now();
    histogram.record(static_cast<uint64_t>(std::max<int64_t>((now - began).count(), 0)));
    began = now;
  }

  common::Counter& round_trips;
  common::Counter& receipts;
  common::Counter& dropped_turns;
  common::Counter& read_ahead;
  common::Counter& fences;
  common::Counter& losses;
  common::Counter& clock_steps;
  Histogram& read_seconds;
  Histogram& fetch_seconds;
  Histogram& decide_seconds;
  Histogram& commit_seconds;

  uint64_t turns() const { return turns_.value(); }
  uint64_t messages() const { return messages_.value(); }
  uint64_t audit_blocks() const { return blocks_.value(); }
  uint64_t decided(Decision decision) const;

 private:
  void add_findings(const SealedTurn& turn, const dlp::Rules& rules);

  common::Metrics& metrics_;
  common::Counter& turns_;
  common::Counter& messages_;
  common::Counter& bytes_;
  common::Counter& repeated_;
  common::Counter& replayed_;
  common::Counter& archive_replayed_;
  common::Counter& archived_;
  common::Counter& gaps_;
  common::Counter& poison_;
  common::Counter& not_kept_;
  common::Counter& failures_;
  common::Counter& retried_;
  common::Counter& error_replies_;
  common::Counter& refusals_counted_;
  common::Counter& shadow_;
  common::Counter& dlp_suppressed_;
  common::Counter& entries_;
  common::Counter& blocks_;
  std::array<common::Counter*, 256> decisions_{};  // by Decision
};

}  // namespace mas::gateway
