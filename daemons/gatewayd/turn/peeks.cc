// The peeks, by partition.
#include "daemons/gatewayd/turn/peeks.h"

#include <utility>

namespace mas::gateway {

void Peeks::arm(const PartitionTable& partitions) {
  peeks_.resize(partitions.size());
  for (const auto& partition : partitions.all()) {
    Peek* peek = partitions.decided(*partition) ? peek_at(*partition) : nullptr;
    if (peek != nullptr)
      peek->arm();
    else if (peeks_[partition->number] != nullptr)
      peeks_[partition->number]->disarm();
  }
}

void Peeks::drop_lost(const PartitionTable& partitions) {
  for (size_t p = 0; p < peeks_.size(); ++p)
    if (!partitions.owned(partitions[p])) peeks_[p].reset();
}

void Peeks::renew_links() {
  for (auto& peek : peeks_)
    if (peek != nullptr) peek->renew_link();
}

/// @return null where nobody knows which node has the list: the link goes down then.
Peek* Peeks::peek_at(const Partition& partition) {
  auto& peek = peeks_[partition.number];
  if (peek != nullptr) return peek.get();
  auto options = link_.options_at(partition.ingress_key, "peek");
  if (!options) return nullptr;
  options->role_interval = {};  // it blocks: Redis ends that when it is demoted, and refuses the next
  options->reply_limits = reply_limits_;
  peek = std::make_unique<Peek>(loop_, std::move(*options), partition.number, partition.ingress_key, listener_);
  return peek.get();
}

}  // namespace mas::gateway
