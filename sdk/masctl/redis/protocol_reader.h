// Which protocol the system has agreed on, and which one everybody that runs speaks.
//
// A daemon says it in its heartbeat, an instance of an agent in `agent:{id}:instances`; versions that say nothing of
// it speak the first protocol. Agents of other implementations have no instances and are not seen.
// Failure: Redis's is the error of the call; a program whose value is invalid counts as one of the first protocol.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

/// What is alike: kind ("gatewayd", "agent"), version, protocol.
using Speaker = std::tuple<std::string, std::string, unsigned>;

struct ProtocolView {
  std::optional<std::string> agreed;     ///< as mas.config has it; nullopt: none yet
  std::map<Speaker, uint64_t> speakers;  ///< how many of each are alive

  /// @return the agreed protocol; nullopt where mas.config has none, or a text that is no protocol.
  std::optional<unsigned> number() const;
};

Result<ProtocolView> read_protocol(SyncRedis& redis, const Keys& keys);

}  // namespace mas::ctl
