// Two round trips: who there is and how many partitions; then each of them.
#include "sdk/masctl/redis/gateway_reader.h"

#include <algorithm>
#include <cstdlib>

namespace mas::ctl {

namespace {

constexpr std::string_view kMember = "gatewayd:";
constexpr long kMaxPartitions = 1024;

}  // namespace

Result<GatewayView> read_gateways(SyncRedis& redis, const Keys& keys) {
  redis::Command members("SMEMBERS", keys.daemons());
  members.add("HGET", keys.config(), "partitions");
  auto replies = redis.ask(members);
  if (!replies.ok()) return replies.error();
  std::vector<std::string> instances;
  for (const auto& member : (*replies)[0].elements) {
    if (member.text.starts_with(kMember)) instances.push_back(member.text.substr(kMember.size()));
  }
  std::sort(instances.begin(), instances.end());
  auto partitions = static_cast<unsigned>(std::clamp(std::atol((*replies)[1].text.c_str()), 0L, kMaxPartitions));

  GatewayView view;
  redis::Command details;
  for (const auto& instance : instances) details.add("GET", keys.daemon("gatewayd", instance));
  for (unsigned p = 0; p < partitions; ++p) {
    details.add("LLEN", keys.ingress(p)).add("GET", keys.partition_lease(p));
  }
  if (details.count() == 0) return view;
  replies = redis.ask(details);
  if (!replies.ok()) return replies.error();
  for (size_t i = 0; i < instances.size(); ++i) {
    if (!(*replies)[i].is_text()) continue;  // its heartbeat is gone
    auto snapshot = parse_snapshot((*replies)[i].text);
    if (!snapshot.ok()) continue;
    snapshot->instance = instances[i];
    view.gateways.push_back(std::move(*snapshot));
  }
  for (unsigned p = 0; p < partitions; ++p) {
    const Value& length = (*replies)[instances.size() + 2 * p];
    const Value& owner = (*replies)[instances.size() + 2 * p + 1];
    view.partitions.push_back({static_cast<uint64_t>(length.integer), owner.is_text() ? owner.text : "", ""});
  }
  for (const auto& gateway : view.gateways)
    for (const auto& [p, why] : gateway.resting)
      if (p < partitions && view.partitions[p].owner == gateway.instance) view.partitions[p].resting = why;
  return view;
}

}  // namespace mas::ctl
