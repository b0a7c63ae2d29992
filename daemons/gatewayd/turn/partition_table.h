// The partitions of this gateway: whose they are by the leases, which of them the turns have taken over, which rest.
//
//     owned (by lease) ──take_ownership()──▶ taken ──fenced──▶ decided ──rest()──▶ taken, at rest
//                                                                ▲──fenced again, later──┘
//
// Failure modes: none of its own.
// Threading: loop thread. Ownership: a partition stays where it is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/common/log.h"
#include "daemons/gatewayd/turn/partition.h"
#include "daemons/gatewayd/turn/resting.h"

namespace mas::gateway {

/// An element of a partition's list that is too large to be read.
struct Oversized {
  uint64_t epoch = 0;  ///< of the partition, when it was seen
  uint64_t bytes = 0;  ///< 0: there is one somewhere in the list
  std::string head;
  bool in_commit = false;  ///< a commit was sent that takes it away; whether it did is not known
};

class PartitionTable {
 public:
  PartitionTable(const Keys& keys, common::Log& log) : keys_(keys), log_(log) {}

  /// @param count how many there are; never fewer than before.
  void resize(size_t count);
  size_t size() const { return all_.size(); }
  Partition& operator[](size_t number) const { return *all_[number]; }
  const std::vector<std::unique_ptr<Partition>>& all() const { return all_; }

  /// @return whether that is a change.
  bool set_owned(const std::vector<bool>& owned) { return std::exchange(owned_, owned) != owned; }
  bool owned(const Partition& partition) const { return owned_[partition.number]; }
  bool ownership_changed() const { return owned_ != taken_; }
  /// What is known of partitions that came or went is forgotten.
  void take_ownership();
  bool taken(const Partition& partition) const { return taken_[partition.number]; }
  /// By number; nullptr for others.
  std::vector<Partition*> taken() const;
  /// Taken over and fenced.
  bool decided(const Partition& partition) const { return taken(partition) && !partition.epoch.empty(); }
  /// The numbers of those.
  std::vector<unsigned> deciding() const;
  /// Of the decided ones: when the first message is to be delivered again.
  /// @param summaries whether summaries of refusals that were counted are written, so that the first of them counts.
  /// @return by Redis's clock; Partition::kNoRetry: nothing is due at any time.
  WallMicros next_due(bool summaries) const;
  /// Whether refusals of a decided one that were counted are to be recorded: a turn without elements does that, too.
  bool summary_due(WallMicros now) const;
  /// Nothing that was read of them is trusted any more, but what is too large to be read.
  void forget_all();
  /// nullopt: no element of its list is known to be too large.
  std::optional<Oversized>& oversized(const Partition& partition) { return oversized_[partition.number]; }
  const std::optional<Oversized>& oversized(const Partition& partition) const { return oversized_[partition.number]; }

  /// What cannot be worked with is not touched, and the partition's memory not trusted; its lease is kept.
  void rest(Partition& partition, const std::string& why);
  /// @param error what Redis said at the key.
  void rest(Partition& partition, std::string_view key, std::string_view error);
  Resting& resting() { return resting_; }
  const Resting& resting() const { return resting_; }

 private:
  const Keys& keys_;
  common::Log& log_;
  std::vector<std::unique_ptr<Partition>> all_;      // by number
  std::vector<std::optional<Oversized>> oversized_;  // likewise
  std::vector<bool> owned_;                          // by the leases
  std::vector<bool> taken_;                          // as of the turn under way
  Resting resting_;
};

}  // namespace mas::gateway
