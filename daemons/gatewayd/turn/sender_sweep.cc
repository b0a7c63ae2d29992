// Candidates, their leases, and what is put on the lists.
#include "daemons/gatewayd/turn/sender_sweep.h"

#include <utility>

#include "proto/base/ids.h"

namespace mas::gateway {
namespace {

constexpr size_t kMaxAtOnce = 10'000;
constexpr WallMicros kLimiterForgets = 2ll * 3600 * 1'000'000;  // an hour's bucket is full again before that

}  // namespace

void SenderSweep::cancel() {
  redis_.forget(this);
  candidates_.clear();
  still_gone_.clear();
}

void SenderSweep::start(const std::vector<std::unique_ptr<Partition>>& partitions, WallMicros now, Duration silence) {
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
        if (instance.state.active() >= silent_since_ || candidates_.size() >= kMaxAtOnce) continue;
        auto hex = std::string_view(instance.field).substr(id.size() + 1);
        candidates_.push_back({partition->number, id, key, keys_.alive(id, hex)});
        command.add("EXISTS", candidates_.back().lease);
      }
    }
  }
  if (candidates_.empty()) return;
  left_ = candidates_.size();
  if (!redis_.scatter(command, redis::reply_to<&SenderSweep::on_reply>(this)).ok()) candidates_.clear();
}

void SenderSweep::on_reply(uint64_t tag, const redis::Answer& answer) {
  const Candidate& candidate = candidates_[tag];
  bool gone = answer.ok() && (*answer)->is_integer() && (*answer)->integer == 0;
  if (gone) {
    const MonoTime now = mono_now();
    const auto before = gone_.find(candidate.lease);
    const MonoTime since = before == gone_.end() ? now : before->second;
    still_gone_.try_emplace(candidate.lease, since);
    if (now - since >= kSure)
      (*partitions_)[candidate.partition]->forgettable.push_back({candidate.sender, candidate.instance});
  }
  if (--left_ > 0) return;
  candidates_.clear();
  gone_ = std::exchange(still_gone_, {});
}

}  // namespace mas::gateway
