// Partitions at rest, and when they are looked at.
#include "daemons/gatewayd/turn/resting.h"

#include <algorithm>

namespace mas::gateway {

bool Resting::rest(unsigned partition, const std::string& why, MonoTime now) {
  auto [it, fresh] = entries_.try_emplace(partition);
  RestingPartition& entry = it->second;
  bool relapsed = !fresh && !entry.at_rest && now - entry.well_since < kProbation;
  if (relapsed)
    entry.period = std::min(2 * entry.period, kLongestLook);
  else if (!entry.at_rest)
    entry.period = kFirstLook;
  size_ += entry.at_rest ? 0 : 1;
  entry.at_rest = true;
  entry.look_at = now + entry.period;
  if (entry.why == why && now - entry.logged < kLogPeriod) return false;
  entry.why = why;
  entry.logged = now;
  return true;
}

bool Resting::mark_healthy(unsigned partition, MonoTime now) {
  auto found = entries_.find(partition);
  if (found == entries_.end() || !found->second.at_rest) return false;
  found->second.at_rest = false;
  found->second.well_since = now;
  --size_;
  return true;
}

void Resting::forget(unsigned partition) {
  auto found = entries_.find(partition);
  if (found == entries_.end()) return;
  size_ -= found->second.at_rest ? 1 : 0;
  entries_.erase(found);
}

void Resting::look_now(MonoTime now) {
  for (auto& [partition, entry] : entries_) entry.look_at = std::min(entry.look_at, now);
}

bool Resting::asleep(unsigned partition, MonoTime now) const {
  auto found = entries_.find(partition);
  return found != entries_.end() && found->second.at_rest && now < found->second.look_at;
}

bool Resting::any_due(MonoTime now) const {
  auto next = next_look(now);
  return next && *next == Duration::zero();
}

std::optional<Duration> Resting::next_look(MonoTime now) const {
  std::optional<Duration> next;
  if (size_ == 0) return next;
  for (const auto& [partition, entry] : entries_) {
    if (!entry.at_rest) continue;
    Duration left = std::max<Duration>(entry.look_at - now, Duration::zero());
    next = next ? std::min(*next, left) : left;
  }
  return next;
}

std::map<unsigned, std::string> Resting::reasons() const {
  std::map<unsigned, std::string> reasons;
  for (const auto& [partition, entry] : entries_)
    if (entry.at_rest) reasons.emplace(partition, entry.why);
  return reasons;
}

}  // namespace mas::gateway
