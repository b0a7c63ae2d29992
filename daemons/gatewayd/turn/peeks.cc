// The peeks, by partition.
#include "daemons/gatewayd/turn/peeks.h"

#include <utility>

namespace mas::gateway {

void Peeks::arm(const PartitionTable& partitions) {
  peeks_.resize(partitions.size());
  for (const auto& partition : partitions.all()) {
    if (partitions.decided(*partition))
      peek_at(*partition).arm();
    else if (auto& peek = peeks_[partition->number])
      peek->disarm();
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

Peek& Peeks::peek_at(const Partition& partition) {
  auto& peek = peeks_[partition.number];
  if (peek == nullptr) {
    redis::ConnectionOptions options = frame_.redis_options("peek");
    options.role_interval = {};  // it blocks: Redis ends that when it is demoted, and refuses the next
    options.reply_limits = reply_limits_;
    peek =
        std::make_unique<Peek>(frame_.loop(), std::move(options), partition.number, partition.ingress_key, listener_);
  }
  return *peek;
}

}  // namespace mas::gateway
