// How a sentinel is reached: its endpoint and the options of a connection to it.
//
// TLS, CA and client certificate are those of the URL; user and password are the sentinels' own. A password file is
// read for each connection, so that a new password needs no restart.
// Failure: the password file cannot be read.
#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/redis/connection.h"

namespace mas::redis {

/// @param endpoint with Topology::kSentinel. @param timeout of the way to ready, and of each command.
Result<ConnectionOptions> sentinel_options(const Endpoint& endpoint, const Node& sentinel,
                                           const std::string& client_name, Duration timeout);

}  // namespace mas::redis
