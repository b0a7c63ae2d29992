// When an element is in doubt, and what became of its trial.
#include "daemons/gatewayd/turn/trials.h"

#include <utility>

namespace mas::gateway {
namespace {

constexpr uint64_t kEpochsInDoubt = 3;  // since the last block; a take-over without any trouble is one
constexpr unsigned kDroppedInDoubt = 2;
constexpr int64_t kFailedTrials = 1;  // that are enough
constexpr int64_t kTrialMillis = 86'400'000;
constexpr Duration kLong = std::chrono::seconds(1);

// KEYS: the count, the epoch. ARGV: the owner's epoch, whether the count begins anew, how long it lives.
// @return the count; -1: another owner.
constexpr std::string_view kTrial = R"lua(
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
if ARGV[2] == '1' then redis.call('DEL', KEYS[1]) end
local count = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return count
)lua";

}  // namespace

Partition* Trials::in_doubt(const PartitionTable& partitions) {
  for (const auto& partition : partitions.all()) {
    if (!partitions.decided(*partition) || partition->beyond_doubt || partitions.oversized(*partition)) continue;
    const bool doubtful =
        partition->epoch_number - partition->block_epoch >= kEpochsInDoubt || partition->dropped >= kDroppedInDoubt;
    if (doubtful && partition->list_bytes > 0) return partition.get();
    partition->beyond_doubt = true;
  }
  return nullptr;
}

void Trials::begin(Partition& partition, redis::Command& command) {
  at_ = &partition;
  command.add("EVAL", kTrial, 2, partition.trial_key, partition.epoch_key, partition.epoch,
              std::exchange(partition.void_trial, false) ? 1 : 0, kTrialMillis);
}

bool Trials::counted(const redis::Reply& reply) {
  if (reply.is_integer() && reply.integer < 0) return false;
  failed_ = reply.is_integer() && reply.integer > kFailedTrials;
  return true;
}

Partition* Trials::end(bool nothing_read) {
  if (at_ != nullptr && nothing_read) at_->beyond_doubt = true;
  return std::exchange(at_, nullptr);
}

void Trials::note_time(Partition& partition, MonoTime began) {
  if (mono_now() - began >= kLong) slow_ = &partition;
}

void Trials::turn_dropped() {
  if (slow_ != nullptr) ++slow_->dropped;
  if (at_ != nullptr && slow_ != at_) at_->void_trial = true;
  slow_ = at_ = nullptr;
}

Partition* Trials::turn_committed() {
  if (slow_ != nullptr) std::exchange(slow_, nullptr)->dropped = 0;
  if (at_ == nullptr) return nullptr;
  Partition* tried = std::exchange(at_, nullptr);
  tried->dropped = 0;
  tried->beyond_doubt = true;
  return failed_ ? tried : nullptr;
}

}  // namespace mas::gateway
