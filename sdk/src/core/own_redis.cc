// A credentials file's way to Redis.
#include "sdk/src/core/own_redis.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/credentials.h"

namespace mas::sdk {

void OwnRedis::complete(redis::Endpoint& endpoint) const {
  if (!user.empty() && endpoint.user.empty() && endpoint.password.empty()) {
    endpoint.user = user;
    endpoint.password = password;
  }
  if (!ca.empty() && endpoint.kind == redis::Endpoint::Kind::kTls && endpoint.tls.ca.empty()) endpoint.tls.ca = ca;
}

Result<OwnRedis> read_own_redis(AgentConfig& config) {
  const std::string path = config.credentials.value_or("");
  if (path.empty()) return OwnRedis{};
  auto credentials = read_credentials(path);
  if (!credentials) return credentials.error();
  RedisCredentials& redis = credentials->redis;
  if (redis.empty()) return OwnRedis{};
  if (credentials->agent_id != config.id)
    return Error{Errc::kInvalidArgument, "the credentials in " + path + " belong to '" +
                                             printable(credentials->agent_id) + "', and this agent is '" + config.id +
                                             "'"};
  if (!config.endpoint && !redis.url.empty()) {
    auto endpoint = redis::parse_url(redis.url);
    if (!endpoint) return endpoint.error().in("credentials: " + redis.url_place);
    config.endpoint = std::move(*endpoint);
  }
  if (!config.ns && !redis.ns.empty()) config.ns = redis.ns;
  return OwnRedis{redis.user, redis.password, redis.ca};
}

}  // namespace mas::sdk
