// When the loop looks at what waits to be delivered again, and the entries that are reported to have failed.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/redis_words.h"
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

constexpr int64_t kMostDue = 32;                  // of one partition in one read: they may be large
constexpr WallMicros kLongestSleep = 60'000'000;  // Redis's clock may step

}  // namespace

/// While waiting: a partition that rests is looked at when it is due, and so are messages to be delivered again and
/// refusals that were counted.
void TurnLoop::sleep_until_due() {
  auto left = resting_.next_look(mono_now());
  WallMicros due = Partition::kNoRetry;
  for (const auto& partition : partitions_)
    if (taken_[partition->number] && !partition->epoch.empty())
      due = std::min(
          {due, partition->next_retry, options_.policy.memory_low ? Partition::kNoSummary : partition->next_summary});
  if (due != Partition::kNoRetry) {
    Duration until = std::chrono::microseconds(std::clamp<WallMicros>(due - redis_now(), 0, kLongestSleep));
    left = std::min(left.value_or(until), until);
  }
  if (left) again_.once(*left);
}

/// Its clock as it should be by now; 0: it was never asked.
WallMicros TurnLoop::redis_now() const {
  if (now_ == 0) return 0;
  return now_ + std::chrono::duration_cast<std::chrono::microseconds>(mono_now() - now_at_).count();
}

uint64_t TurnLoop::waiting_retries() const {
  uint64_t waiting = 0;
  for (const auto& partition : partitions_) waiting += partition->retries;
  return waiting;
}

WallMicros TurnLoop::first_retry(const redis::Reply& reply) {
  if (!reply.is_array() || reply.count != 2) return Partition::kNoRetry;
  double score = std::strtod(std::string(reply[1].text).c_str(), nullptr);
  return score < 9e18 ? static_cast<WallMicros>(std::max(score, 0.0)) : Partition::kNoRetry;
}

void TurnLoop::ask_due(redis::Command& command, const Partition& partition) {
  const WallMicros now = redis_now();
  command.add("ZRANGEBYSCORE", partition.retries_key, "-inf", now, "LIMIT", 0, kMostDue);
  command.add("ZRANGEBYSCORE", partition.retries_key, "(" + std::to_string(now), "+inf", "WITHSCORES", "LIMIT", 0, 1);
  command.add("ZCARD", partition.retries_key);
  for (Reply kind : {Reply::kDue, Reply::kNextDue, Reply::kRetryCount}) expected_.push_back({kind, partition.number});
}

bool TurnLoop::retries_readable(Partition& partition, const redis::Reply& reply) {
  if (partition.epoch.empty() || !owned_[partition.number])
    return false;  // it was put to rest, or is not ours any more
  if (!reply.is_error()) return true;
  if (is_the_keys(reply.text))
    put_to_rest(partition, partition.retries_key, reply.text);
  else
    drop_turn("retries_unreadable", partition.retries_key + ": " + std::string(reply.text), kLongPause);
  return false;
}

/// They stay due until a commit has removed them: a turn may end before it decides.
void TurnLoop::take_due(Partition& partition, const redis::Reply& reply) {
  if (!retries_readable(partition, reply)) return;
  partition.next_retry = reply.count > 0 ? now_ : Partition::kNoRetry;
  for (const auto& member : reply)
    if (batch_.due_bytes() < options_.bytes) batch_.append_due(partition.number, member.text);
}

void TurnLoop::take_next_due(Partition& partition, const redis::Reply& reply) {
  if (retries_readable(partition, reply)) partition.next_retry = std::min(partition.next_retry, first_retry(reply));
}

std::vector<FactReader::Entry> TurnLoop::wanted_entries() const {
  std::vector<FactReader::Entry> entries;
  for (ReportedEntry* entry : decider_.wanted_entries()) {
    unsigned partition = partition_of(entry->agent, partitions_.size());
    entries.push_back(
        {frame_.keys().inbox(entry->agent, entry->lane, partition), entry->id, &entry->blob, &entry->failed});
  }
  return entries;
}

}  // namespace mas::gateway
