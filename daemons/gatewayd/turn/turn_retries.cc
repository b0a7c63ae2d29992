// When the loop looks at what waits to be delivered again, and the entries that are reported to have failed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/turn/redis_words.h"
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

constexpr int64_t kMostDue = 32;                  // of one partition in one read
constexpr WallMicros kStep = 10'000'000;          // of a clock; less may be a slow answer
constexpr WallMicros kLongestSleep = 60'000'000;  // Redis's clock may step

// What is due, the first of it and as many after it as fit. KEYS: the retries. ARGV: now, how many, how many bytes.
constexpr std::string_view kDueScript = R"lua(
local due, left = {}, tonumber(ARGV[3])
for i = 0, ARGV[2] - 1 do
  local next = redis.pcall('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', i, 1)
  if next.err then return next end
  if not next[1] or (i > 0 and #next[1] > left) then break end
  left = left - #next[1]
  due[i + 1] = next[1]
end
return due
)lua";

// Every retry of a partition is put off, or brought forward, by as much. KEYS: epoch, retries. ARGV: the epoch, a factor:
// scores are times since 1970, so a factor next to 1 moves all of them by the same, and nothing is read.
constexpr std::string_view kMoveScript = R"lua(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.pcall('ZUNIONSTORE', KEYS[2], 1, KEYS[2], 'WEIGHTS', ARGV[2])
)lua";

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

/// Redis's clock against our own, which nobody sets.
void TurnLoop::look_for_step(WallMicros by) {
  if (by < kStep && by > -kStep) return;
  steps_ += by;
  losses_.forget_senders();
  stats_.clock_steps.add();
  frame_.log().warn("redis_clock_stepped", {{"milliseconds", by / 1000}});
}

/// What waits was put there by the clock as it was, and no retry waits longer than retry.cap from then: one that is due
/// later was put there by a clock that nobody here has seen.
void TurnLoop::bound_waits() {
  using std::chrono::duration_cast, std::chrono::microseconds;
  const WallMicros latest = now_ + duration_cast<microseconds>(options_.policy.retry.cap).count();
  for (auto& partition : partitions_) {
    if (!taken_[partition->number] || partition->epoch.empty()) continue;
    const WallMicros by = steps_ - std::exchange(partition->steps, steps_).value_or(steps_);
    if (by != 0 && partition->retries > 0) move_retries(*partition, now_ - by, now_);
    if (partition->next_retry != Partition::kNoRetry && partition->next_retry > latest + kStep)
      move_retries(*partition, partition->next_retry, latest);
  }
}

void TurnLoop::move_retries(Partition& partition, WallMicros from, WallMicros to) {
  char factor[32];
  std::snprintf(factor, sizeof factor, "%.17g", static_cast<double>(to) / static_cast<double>(from));
  redis::Command command("EVAL", kMoveScript, 2, partition.epoch_key, partition.retries_key, partition.epoch, factor);
  static_cast<void>(connection_.send(std::move(command), redis::ReplyTo{}));
  if (partition.next_retry != Partition::kNoRetry) partition.next_retry += to - from;
  partition.retries_moved = true;
}

void TurnLoop::ask_due(redis::Command& command, const Partition& partition) {
  const WallMicros now = redis_now();
  command.add("EVAL", kDueScript, 1, partition.retries_key, now, kMostDue, share());
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
  if (!reply.is_array()) return;
  for (const auto& member : reply)
    if (batch_.due_bytes() < options_.bytes) batch_.append_due(partition.number, member.text);
}

void TurnLoop::take_next_due(Partition& partition, const redis::Reply& reply) {
  if (!retries_readable(partition, reply)) return;
  partition.next_retry = std::min(partition.next_retry, first_retry(reply));
  if (std::exchange(partition.retries_moved, false))
    partition.next_retry = now_;  // the answer is from before: look again
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
