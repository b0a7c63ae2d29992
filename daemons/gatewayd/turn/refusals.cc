// The budget and the count.
#include "daemons/gatewayd/turn/refusals.h"

#include <algorithm>

namespace mas::gateway {

bool Refusals::take(Decision decision, int64_t per_second, WallMicros now) {
  LimitSettings budget;
  budget.per_minute = static_cast<uint32_t>(60 * per_second);
  budget.burst = static_cast<uint32_t>(kRefusalBurst * per_second);
  if (gateway::take(budget_, budget, now).allowed) return true;
  if (total_++ == 0) since_ = now;
  auto same = [decision](const auto& count) { return count.first == decision; };
  auto found = std::find_if(counts_.begin(), counts_.end(), same);
  if (found == counts_.end()) found = counts_.insert(counts_.end(), {decision, 0});
  ++found->second;
  return false;
}

Refusals::Summary Refusals::take_summary(WallMicros now) {
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  Summary summary;
  summary.decision = std::max_element(counts_.begin(), counts_.end(), less)->first;
  summary.total = total_;
  summary.text = "counted, not recorded one by one: " + std::to_string(total_) + " refusals in " +
                 std::to_string(std::max<WallMicros>(now - since_, 0) / 1000) + " ms:";
  for (const auto& [decision, count] : counts_)
    summary.text.append(" ").append(decision_text(decision)).append(" ").append(std::to_string(count));
  counts_.clear();
  total_ = 0;
  return summary;
}

}  // namespace mas::gateway
