// The part of an agent's credentials file that leads to Redis: URL, user, password, CA, namespace.
//
// What the application set itself overrides the file, and the file overrides the environment. User and password of the
// file count unless the URL names a user or a password of its own.
// Failure: as read_credentials; kInvalidArgument for a URL that cannot be read, or for another agent's file.
// Threading: any.
#pragma once

#include "sdk/src/core/config.h"

namespace mas::sdk {

/// What the file leaves to be found, once the endpoint is known.
struct OwnRedis {
  std::string user, password, ca;

  /// Puts user, password and CA into the endpoint, which may have been found elsewhere.
  void complete(redis::Endpoint& endpoint) const;
};

/// Reads the file that `config.credentials` names, and fills the endpoint and the namespace where they are open.
Result<OwnRedis> read_own_redis(AgentConfig& config);

}  // namespace mas::sdk
