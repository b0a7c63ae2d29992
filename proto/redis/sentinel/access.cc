// Endpoints of sentinels.
#include "proto/redis/sentinel/access.h"

#include <utility>

#include "proto/base/secret_file.h"

namespace mas::redis {
namespace {

constexpr size_t kReplyBytes = 256 * 1024;  // a list of 32 sentinels has about 40 KiB

}  // namespace

Result<ConnectionOptions> sentinel_options(const Endpoint& endpoint, const Node& sentinel,
                                           const std::string& client_name, Duration timeout) {
  ConnectionOptions options;
  options.endpoint.kind = endpoint.kind;
  options.endpoint.host = sentinel.host;
  options.endpoint.port = sentinel.port;
  options.endpoint.tls = endpoint.tls;
  options.endpoint.user = endpoint.sentinel.user;
  options.endpoint.password = endpoint.sentinel.password;
  if (!endpoint.sentinel.password_file.empty()) {
    auto password = read_password(endpoint.sentinel.password_file);
    if (!password) return password.error().in("sentinel_password_file");
    options.endpoint.password = std::move(*password);
  }
  options.client_name = client_name;
  options.connect_timeout = timeout;
  options.command_timeout = timeout;
  options.reply_limits.reply_bytes = kReplyBytes;
  options.secret = true;
  return options;
}

}  // namespace mas::redis
