// Ownership as the turns take it over, and rest.
#include "daemons/gatewayd/turn/partition_table.h"

#include <algorithm>

#include "proto/base/ids.h"

namespace mas::gateway {

void PartitionTable::resize(size_t count) {
  for (auto p = static_cast<unsigned>(all_.size()); p < count; ++p)
    all_.push_back(std::make_unique<Partition>(p, keys_));
  oversized_.resize(count);
  owned_.resize(count);
  taken_.resize(count);
}

void PartitionTable::take_ownership() {
  for (const auto& partition : all_) {
    if (owned(*partition) == taken(*partition)) continue;
    partition->forget();
    oversized(*partition).reset();
    resting_.forget(partition->number);
  }
  taken_ = owned_;
}

std::vector<Partition*> PartitionTable::taken() const {
  std::vector<Partition*> partitions(all_.size());
  for (const auto& partition : all_)
    if (taken(*partition)) partitions[partition->number] = partition.get();
  return partitions;
}

std::vector<unsigned> PartitionTable::deciding() const {
  std::vector<unsigned> numbers;
  for (const auto& partition : all_)
    if (decided(*partition)) numbers.push_back(partition->number);
  return numbers;
}

WallMicros PartitionTable::next_due(bool summaries) const {
  WallMicros due = Partition::kNoRetry;
  for (const auto& partition : all_) {
    if (!decided(*partition)) continue;
    due = std::min({due, partition->next_retry, summaries ? partition->next_summary : Partition::kNoSummary});
  }
  return due;
}

bool PartitionTable::summary_due(WallMicros now) const {
  return std::any_of(all_.begin(), all_.end(),
                     [this, now](const auto& partition) { return decided(*partition) && partition->summary_due(now); });
}

void PartitionTable::forget_all() {
  for (const auto& partition : all_) partition->forget();
}

void PartitionTable::rest(Partition& partition, const std::string& why) {
  partition.forget();
  if (resting_.rest(partition.number, why, mono_now()))
    log_.error("partition_rests", {{"partition", partition.number}, {"why", why}});
}

void PartitionTable::rest(Partition& partition, std::string_view key, std::string_view error) {
  rest(partition,
       std::string(key) + ": " + printable(error, 200) + "; expected " + std::string(partition.expected_at(key)));
}

}  // namespace mas::gateway
