// Candidates, their leases, and what is put on the lists.
#include "daemons/gatewayd/turn/sender_sweep.h"

#include "proto/base/ids.h"

namespace mas::gateway {
namespace {

constexpr size_t kMostAtOnce = 10'000;
constexpr WallMicros kLimiterForgets = 2ll * 3600 * 1'000'000;  // an hour's bucket is full again before that

}  // namespace

void SenderSweep::cancel() {
  redis_.forget(this);
  candidates_.clear();
}

void SenderSweep::start(std::vector<std::unique_ptr<Partition>>& partitions, WallMicros now, Duration silence) {
  if (!candidates_.empty()) return;
  partitions_ = &partitions;
  silent_since_ = now - std::chrono::duration_cast<std::chrono::microseconds>(silence).count();
  redis::Command command;
  ++first_;  // partitions take turns at being the first, should the first ones use up what is asked at once
  for (size_t i = 0; i < partitions.size(); ++i) {
    const auto& partition = partitions[(first_ + i) % partitions.size()];
    partition->forgettable.clear();  // what no commit has taken is found again
    if (partition->epoch.empty()) continue;
    for (auto& [id, sender] : partition->senders) {
      bool idle = sender.instances.empty() && sender.limiter.updated < now - kLimiterForgets;
      if (idle) partition->forgettable.push_back({id, {}});
      for (const auto& [key, instance] : sender.instances) {
        if (instance.state.active() >= silent_since_ || candidates_.size() >= kMostAtOnce) continue;
        auto hex = std::string_view(instance.field).substr(id.size() + 1);
        command.add("EXISTS", keys_.alive(id, hex));
        candidates_.push_back({partition->number, id, key});
      }
    }
  }
  if (candidates_.empty()) return;
  if (!redis_.send(command, redis::reply_to<&SenderSweep::on_reply>(this)).ok()) candidates_.clear();
}

void SenderSweep::on_reply(uint64_t tag, const redis::Answer& answer) {
  const Candidate& candidate = candidates_[tag];
  bool gone = answer.ok() && (*answer)->is_integer() && (*answer)->integer == 0;
  if (gone) (*partitions_)[candidate.partition]->forgettable.push_back({candidate.sender, candidate.instance});
  if (tag + 1 == candidates_.size()) candidates_.clear();
}

}  // namespace mas::gateway
