// Which partitions are at rest: Redis holds something at one of their keys that cannot be worked with, so the others go
// on without them, and they come back by themselves once the key was repaired.
//
//   works ──rest()──▶ at rest ──kFirstLook later: due()──▶ (fenced again) ──mark_healthy()──▶ on probation
//     ▲                 ▲                                        │ rest()         rest(): the next │      │ kProbation
//     │                 └────────────────────────────────────────┴─look, after twice the time─────┘      │
//     └───────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// What is wrong mostly shows when the partition is fenced, and such a look costs the others nothing. What shows only at
// the commit costs the others a turn each time; hence the probation, and kLongestLook.
// The lease is kept: whoever else had it would find the same, and leases that are given up would go round.
// Pure. Threading: none.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "proto/base/clock.h"

namespace mas::gateway {

class Resting {
 public:
  static constexpr Duration kFirstLook = std::chrono::seconds(2);
  static constexpr Duration kLongestLook = std::chrono::seconds(60);
  static constexpr Duration kProbation = std::chrono::seconds(60);
  static constexpr Duration kLogPeriod = std::chrono::seconds(60);

  /// @param why one sentence that names the key, what it holds and what was expected.
  /// @return whether to log it: it is new, or was logged long ago.
  bool rest(unsigned partition, const std::string& why, MonoTime now);
  /// It was looked at and can be worked with. @return whether it was at rest.
  bool mark_healthy(unsigned partition, MonoTime now);
  /// It is another gateway's from now on.
  void forget(unsigned partition);
  /// All of them are due: Redis is perhaps another one.
  void look_now(MonoTime now);

  /// It rests, and it is not the time to look at it.
  bool asleep(unsigned partition, MonoTime now) const;
  bool any_due(MonoTime now) const;
  /// @return how long until one is due; nullopt: none rests.
  std::optional<Duration> next_look(MonoTime now) const;

  /// Why each of them rests, by number.
  std::map<unsigned, std::string> reasons() const;
  size_t size() const { return size_; }

 private:
  struct RestingPartition {
    bool at_rest = false;
    std::string why;
    Duration period{};
    MonoTime look_at{}, well_since{}, logged{};
  };
  std::map<unsigned, RestingPartition> entries_;  // at rest and on probation
  size_t size_ = 0;                               // at rest
};

}  // namespace mas::gateway
