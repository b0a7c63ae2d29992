// Who there is and how many partitions; then each of them.
#include "sdk/masctl/redis/gateway_reader.h"

#include "sdk/masctl/redis/bounded_reads.h"
#include "sdk/masctl/redis/partitions_reader.h"

namespace mas::ctl {

namespace {

constexpr std::string_view kMember = "gatewayd:";

}  // namespace

Result<std::vector<GatewaySnapshot>> read_gateway_snapshots(SyncRedis& redis, const Keys& keys) {
  auto members = read_members(redis, keys.daemons());
  if (!members.ok()) return members.error();
  std::vector<std::string> instances, heartbeats;
  for (const auto& member : *members) {
    if (!member.starts_with(kMember)) continue;
    instances.push_back(member.substr(kMember.size()));
    heartbeats.push_back(keys.daemon("gatewayd", instances.back()));
  }
  auto texts = read_texts(redis, heartbeats, kSnapshotBytes);
  if (!texts.ok()) return texts.error();
  std::vector<GatewaySnapshot> snapshots;
  for (size_t i = 0; i < instances.size(); ++i) {
    if (!(*texts)[i].is_text()) continue;  // its heartbeat is gone
    auto snapshot = parse_snapshot((*texts)[i].text);
    if (!snapshot.ok()) continue;
    snapshot->instance = instances[i];
    snapshots.push_back(std::move(*snapshot));
  }
  return snapshots;
}

Result<GatewayView> read_gateways(SyncRedis& redis, const Keys& keys) {
  auto field = read_partitions_field(redis, keys);
  if (!field.ok()) return field.error();
  const unsigned partitions = field->most();
  auto gateways = read_gateway_snapshots(redis, keys);
  if (!gateways.ok()) return gateways.error();
  GatewayView view{std::move(*gateways), {}, field->changing};
  if (partitions == 0) return view;
  redis::Command lists;
  for (unsigned p = 0; p < partitions; ++p) lists.add("LLEN", keys.ingress(p));
  auto lengths = redis.ask(lists);
  if (!lengths.ok()) return lengths.error();
  std::vector<std::string> leases;
  for (unsigned p = 0; p < partitions; ++p) leases.push_back(keys.partition_lease(p));
  auto owners = read_texts(redis, leases, kNameBytes);
  if (!owners.ok()) return owners.error();
  for (unsigned p = 0; p < partitions; ++p) {
    const Value& length = (*lengths)[p];
    const Value& owner = (*owners)[p];
    view.partitions.push_back({static_cast<uint64_t>(length.integer), owner.is_text() ? owner.text : "", ""});
  }
  for (const auto& gateway : view.gateways)
    for (const auto& [p, why] : gateway.resting)
      if (p < partitions && view.partitions[p].owner == gateway.instance) view.partitions[p].resting = why;
  return view;
}

}  // namespace mas::ctl
