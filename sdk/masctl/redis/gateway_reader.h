// What the gateways say of themselves in Redis, and what Redis says of their partitions.
//
// A gateway's heartbeat `mas.daemon:gatewayd:{instance}` is a JSON object with a snapshot of its counters, a few
// seconds old at most. Members that a gateway does not write are absent here: 0 or empty.
// Failure: Redis's is the error of the call; a heartbeat that cannot be read is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/partitions.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

struct GatewaySnapshot {
  std::string instance, version, host, http, pipeline, profile;
  int64_t pid = 0;
  double since = 0;                         ///< seconds since 1970
  std::map<std::string, uint64_t> decided;  ///< messages by decision, since it runs
  uint64_t turns = 0;                       ///< since it runs, like the next two
  uint64_t messages = 0;
  uint64_t round_trips = 0;
  std::vector<unsigned> owned;
  std::map<unsigned, std::string> resting;  ///< partitions that it cannot decide, and why
};

struct PartitionState {
  uint64_t waiting = 0;  ///< elements in its ingress list
  std::string owner;     ///< instance in its lease; empty: nobody
  std::string resting;   ///< why its owner cannot decide it, as of its heartbeat; empty: it can
};

struct GatewayView {
  std::vector<GatewaySnapshot> gateways;     ///< by instance
  std::vector<PartitionState> partitions;    ///< while their number is being changed: all that may have something
  std::optional<PartitionsMark> changing{};  ///< while it is
};

/// @return what is there; no gateway and no partition where MAS has not been configured yet.
Result<GatewayView> read_gateways(SyncRedis& redis, const Keys& keys);

/// @return the heartbeats of the gateways that beat, by instance.
Result<std::vector<GatewaySnapshot>> read_gateway_snapshots(SyncRedis& redis, const Keys& keys);

/// Reads a heartbeat. Pure. @return kMalformed for what is no JSON object.
Result<GatewaySnapshot> parse_snapshot(std::string_view heartbeat);

}  // namespace mas::ctl
