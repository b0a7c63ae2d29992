// An element that ends turns by its content, or the gateway: it is decided alone, and set aside when that fails, too.
//
// In doubt is the head of a list, when its partition was fenced three times and more since its last audit block (so every
// owner since then ended before a commit), or when two turns were dropped that had taken long over an element of it. It is
// then the only one of its turn, and a count is kept in Redis while it is tried. The commit removes the count. A count
// that is there already tells of a trial that failed: the element is set aside like anything that is no frame.
// A trial that was dropped for another reason, a lost link say, does not count.
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/turn_loop.h"
#include "proto/wire/events.h"

namespace mas::gateway {
namespace {

constexpr uint64_t kEpochsInDoubt = 3;  // since the last block; a take-over without any trouble is one
constexpr unsigned kDroppedInDoubt = 2;
constexpr int64_t kFailedTrials = 1;  // that are enough
constexpr int64_t kTrialMillis = 86'400'000;

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

Partition* TurnLoop::in_doubt() {
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || partition->epoch.empty() || partition->beyond_doubt) continue;
    const bool doubtful =
        partition->epoch_number - partition->block_epoch >= kEpochsInDoubt || partition->dropped >= kDroppedInDoubt;
    if (doubtful && partition->list_bytes > 0 && !oversized_.contains(partition->number)) return partition.get();
    if (!oversized_.contains(partition->number)) partition->beyond_doubt = true;
  }
  return nullptr;
}

void TurnLoop::try_alone(Partition& partition) {
  trial_ = partition.number;
  redis::Command command("TIME");
  expect(Reply::kTime);
  command.add("EVAL", kTrial, 2, partition.trial_key, partition.epoch_key, partition.epoch,
              std::exchange(partition.void_trial, false) ? 1 : 0, kTrialMillis);
  expect(Reply::kTrial, partition.number);
  command.add("LRANGE", partition.ingress_key, 0, 0);
  expect(Reply::kElements, partition.number);
  read_ = Read::kAsked;
  read_began_ = mono_now();
  send(std::move(command), Ends::kRead);
}

/// A count that cannot be kept (Redis is out of memory) keeps nobody waiting.
void TurnLoop::take_trial(const redis::Reply& reply) {
  if (reply.is_integer() && reply.integer < 0)
    return drop_turn("commit_fenced", "another gateway has taken a partition", kShortPause);
  trial_failed_ = reply.is_integer() && reply.integer > kFailedTrials;
}

/// What was read for a trial is not taken: there was nothing, or the loop has something else to do first.
void TurnLoop::end_trial() {
  if (!trial_) return;
  Partition& partition = *partitions_[*std::exchange(trial_, std::nullopt)];
  if (batch_.empty()) partition.beyond_doubt = true;
  static_cast<void>(connection_.send(redis::Command("DEL", partition.trial_key), redis::ReplyTo{}));
}

/// What took long is remembered until its turn is committed.
void TurnLoop::note_time(unsigned partition, MonoTime began) {
  if (mono_now() - began >= kLong) slow_ = partition;
}

void TurnLoop::judge_dropped() {
  if (slow_) ++partitions_[*slow_]->dropped;
  if (trial_ && slow_ != trial_) partitions_[*trial_]->void_trial = true;
  slow_.reset();
  trial_.reset();
}

void TurnLoop::judge_committed() {
  if (slow_) partitions_[*std::exchange(slow_, std::nullopt)]->dropped = 0;
  if (!trial_) return;
  Partition& partition = *partitions_[*std::exchange(trial_, std::nullopt)];
  partition.dropped = 0;
  partition.beyond_doubt = true;
  if (trial_failed_) tell_set_aside(partition, "deciding it ended a gateway, or took too long, again and again");
}

void TurnLoop::tell_set_aside(const Partition& partition, const std::string& why) {
  frame_.log().error("element_set_aside", {{"key", partition.ingress_key}, {"why", why}});
  const std::string text = "an element of " + partition.ingress_key + " was set aside: " + why;
  receipts_.add("PUBLISH", frame_.keys().system_channel(), alert_event("gatewayd", text, wall_now()));
}

}  // namespace mas::gateway
