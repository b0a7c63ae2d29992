// Which refusals are recorded one by one in the audit, and what is counted of the others.
//
// A refusal costs its sender nothing, so what it may write is bounded: each sender, and all strangers of a partition
// together, may cause `per_second` records a second, and kRefusalBurst times as many at once. Refusals past that are
// counted; once a second one record tells how many there were, by decision.
//
// Happy path: take() per refusal; false: it was counted. When summary_due(), take_summary() is recorded.
// Failure: none. Counts are in memory: those of the last second go with the gateway, or with a turn that is dropped.
// Threading: plain data. Who is within its budget allocates nothing.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/limits/limiter.h"
#include "proto/base/clock.h"
#include "proto/base/decisions.h"

namespace mas::gateway {

inline constexpr int64_t kMaxRefusalRecords = 1'000'000;  ///< a second
inline constexpr int64_t kRefusalBurst = 100;             ///< seconds' worth of records at once

class Refusals {
 public:
  static constexpr WallMicros kSummaryEvery = 1'000'000;

  /// @param per_second from 1 to kMaxRefusalRecords. @return whether the refusal is to be recorded; else it was
  /// counted.
  bool take(Decision decision, int64_t per_second, WallMicros now);

  bool counting() const { return total_ > 0; }
  /// When the summary of what was counted is due; meaningful while counting().
  WallMicros due() const { return since_ + kSummaryEvery; }
  bool summary_due(WallMicros now) const { return counting() && (now >= due() || now < since_); }

  struct Summary {
    Decision decision{};  ///< the most frequent one
    uint64_t total = 0;
    std::string text;
  };
  /// Ends the count.
  Summary take_summary(WallMicros now);

 private:
  LimiterState budget_;
  WallMicros since_ = 0;  // of the first that was counted
  uint64_t total_ = 0;
  std::vector<std::pair<Decision, uint64_t>> counts_;
};

}  // namespace mas::gateway
