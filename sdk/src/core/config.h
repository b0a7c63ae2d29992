// What an agent was asked to be: the values of mas_options, checked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/clock.h"
#include "proto/redis/url.h"
#include "proto/wire/keys.h"
#include "proto/wire/limits.h"
#include "sdk/include/mas.h"

namespace mas::sdk {

struct Bound {
  size_t messages;
  size_t bytes;
};

struct AgentConfig {
  std::string id;
  std::optional<redis::Endpoint> endpoint;  ///< none: the environment's, see resolve_environment
  std::optional<std::string> ns;            ///< likewise
  std::vector<std::string> capabilities;
  std::string metadata = "{}";
  Duration heartbeat_interval = std::chrono::seconds(30);
  Duration heartbeat_ttl = std::chrono::seconds(60);
  size_t max_envelope = limits::kEnvelopeBytes;
  Bound inbound{65'536, 64u * 1024 * 1024};
  Bound outbound{65'536, 16u * 1024 * 1024};
  std::optional<mas_mode> mode_set;        ///< none: the environment's
  mas_mode mode = MAS_MODE_P2P;            ///< as resolved
  std::optional<std::string> credentials;  ///< path; none: the environment's; empty: none
  Duration handler_timeout{};              ///< 0: none
  size_t dedupe_messages = 0;
  size_t doubt_messages = 65'536;
  Duration doubt_time = std::chrono::minutes(5);
  mas_debug_fn debug = nullptr;
  void* debug_user = nullptr;

  /// Where the keys are.
  KeyLayout layout() const { return key_layout(endpoint && endpoint->topology == redis::Topology::kCluster); }
};

/// Fills what the application left open from the credentials file (own_redis.h), then from MAS_REDIS_URL,
/// MAS_NAMESPACE, MAS_MODE and MAS_CREDENTIALS, then from the defaults.
/// @return kInvalidArgument that names the variable, or the file's line and field, whose value is wrong.
Status resolve_environment(AgentConfig& config);

}  // namespace mas::sdk

/// The C handle is the object itself.
struct mas_options {
  mas::sdk::AgentConfig config;
};
