// Reading and moving what waits.
#include "daemons/gatewayd/turn/due_retries.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"

namespace mas::gateway {
namespace {

constexpr int64_t kMaxDue = 32;  // of one partition in one read

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

// Every retry of a partition is put off, or brought forward, by as much. KEYS: epoch, retries. ARGV: the epoch, a
// factor: scores are times since 1970, so a factor next to 1 moves all of them by the same, and nothing is read.
constexpr std::string_view kMoveScript = R"lua(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.pcall('ZUNIONSTORE', KEYS[2], 1, KEYS[2], 'WEIGHTS', ARGV[2])
)lua";

}  // namespace

void DueRetries::ask(redis::Command& command, const Partition& partition, size_t bytes) const {
  const WallMicros now = parts_.clock.now();
  command.add("EVAL", kDueScript, 1, partition.retries_key, now, kMaxDue, bytes);
  command.add("ZRANGEBYSCORE", partition.retries_key, "(" + std::to_string(now), "+inf", "WITHSCORES", "LIMIT", 0, 1);
  command.add("ZCARD", partition.retries_key);
}

/// They stay due until a commit has removed them: a turn may end before it decides.
void DueRetries::take_due(Partition& partition, const redis::Reply& reply) {
  partition.next_retry = reply.count > 0 ? parts_.clock.last() : Partition::kNoRetry;
  if (!reply.is_array()) return;
  for (const auto& member : reply)
    if (parts_.batch.due_bytes() < parts_.options.bytes) parts_.batch.append_due(partition.number, member.text);
}

void DueRetries::take_next(Partition& partition, const redis::Reply& reply) const {
  partition.next_retry = std::min(partition.next_retry, due_of(reply));
  if (std::exchange(partition.retries_moved, false))
    partition.next_retry = parts_.clock.last();  // the answer is from before: look again
}

void DueRetries::take_count(Partition& partition, const redis::Reply& reply) {
  if (reply.is_integer()) partition.retries = static_cast<uint64_t>(reply.integer);
}

/// What waits was put there by the clock as it was, and no retry waits longer than retry.cap from then: one that is due
/// later was put there by a clock that nobody here has seen.
void DueRetries::follow_clock() {
  using std::chrono::duration_cast, std::chrono::microseconds;
  const WallMicros now = parts_.clock.last(), steps = parts_.clock.steps();
  const WallMicros latest = now + duration_cast<microseconds>(parts_.options.policy.retry.cap).count();
  for (const auto& partition : parts_.partitions.all()) {
    if (!parts_.partitions.decided(*partition)) continue;
    const WallMicros by = steps - std::exchange(partition->steps, steps).value_or(steps);
    if (by != 0 && partition->retries > 0) move(*partition, now - by, now);
    if (partition->next_retry != Partition::kNoRetry && partition->next_retry > latest + TurnClock::kStep)
      move(*partition, partition->next_retry, latest);
  }
}

void DueRetries::move(Partition& partition, WallMicros from, WallMicros to) {
  char factor[32];
  std::snprintf(factor, sizeof factor, "%.17g", static_cast<double>(to) / static_cast<double>(from));
  redis::Command command("EVAL", kMoveScript, 2, partition.epoch_key, partition.retries_key, partition.epoch, factor);
  static_cast<void>(parts_.redis.send(std::move(command)));
  if (partition.next_retry != Partition::kNoRetry) partition.next_retry += to - from;
  partition.retries_moved = true;
}

}  // namespace mas::gateway
