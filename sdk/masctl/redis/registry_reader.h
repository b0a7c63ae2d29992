// Reads the registry: through the index where registryd keeps one, by a scan where not.
#pragma once

#include <string>
#include <vector>

#include "proto/wire/agent_entry.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

struct AgentQuery {
  std::vector<std::string> capabilities;  ///< empty: everybody
  bool all_of = false;                    ///< all of the capabilities, not any of them
  bool inactive = false;                  ///< also agents that are INACTIVE
  size_t limit = 0;                       ///< 0: no limit
};

struct AgentListing {
  std::vector<AgentEntry> agents;  ///< sorted by id
  bool from_index = false;
  size_t malformed = 0;  ///< entries that could not be read and are left out
};

Result<AgentListing> list_agents(SyncRedis& redis, const Keys& keys, const AgentQuery& query);

/// @return whether an entry answers the query. Pure; the index is a hint, this is the truth.
bool matches(const AgentEntry& entry, const AgentQuery& query);

}  // namespace mas::ctl
