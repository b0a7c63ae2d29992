// The replicas of a server, as its INFO says, and the way to one of them. Pure.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "proto/redis/url.h"

namespace mas::redis {

/// @param info the answer to INFO replication of a primary.
/// @return its replicas by the address that each announces, whatever their state; at most 100.
std::vector<Node> replicas_of(std::string_view info);

/// @return how many of them follow it, and could take over with what it has.
size_t online_replicas(std::string_view info);

/// @return that one server, reached as the endpoint's servers are: same user, password and TLS.
Endpoint endpoint_of(const Endpoint& endpoint, const Node& node);

}  // namespace mas::redis
