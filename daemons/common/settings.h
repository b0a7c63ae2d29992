// The settings that every daemon has: Redis, HTTP, log, lifecycle.
//
// A daemon derives its own settings and describes them after these:
//
//   struct Settings : common::Settings {
//     Duration scan_period = 30s;
//     void describe(common::OptionTable& table) override { common::Settings::describe(table); … }
//   };
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemons/common/http_access.h"
#include "daemons/common/log.h"
#include "daemons/common/option_sources.h"
#include "daemons/common/options.h"
#include "proto/redis/url.h"

namespace mas::common {

/// What kind of system this is: what is convenient on a laptop, or what is safe.
enum class Profile : uint8_t { kDevelopment, kProduction };
inline constexpr std::string_view kProfileNames[] = {"development", "production"};

/// @return whether an entry of this name is an agent's. In production only ids that libmas takes are: `agent:bob:x` is
/// not.
bool is_agent(Profile profile, std::string_view id);

/// An address to listen on.
struct ListenAddress {
  std::string host;  ///< IPv4 or IPv6 literal
  uint16_t port = 0;
};

/// @return the address that "127.0.0.1:9461" or "[::1]:0" means, or kInvalidArgument.
Result<ListenAddress> parse_listen(std::string_view text);

struct Settings {
  /// @param http_port the daemon's port on loopback.
  explicit Settings(uint16_t http_port);
  virtual ~Settings() = default;
  Settings(const Settings&) = default;
  Settings& operator=(const Settings&) = default;

  std::string redis_url = "redis://localhost:6379";
  std::string redis_password_file;
  std::string redis_namespace;
  Duration redis_connect_timeout = std::chrono::seconds(5);
  Duration redis_command_timeout = std::chrono::seconds(5);

  std::string http_listen;
  std::string http_hosts;
  std::string http_tls_cert;
  std::string http_tls_key;
  std::string http_token_file;
  int64_t http_max_connections = 32;
  Duration http_timeout = std::chrono::seconds(10);

  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kAuto;

  Duration drain_timeout = std::chrono::seconds(10);

  /// Puts every option into the table; a daemon's own override calls this first.
  virtual void describe(OptionTable& table);

  /// What one option alone cannot tell: whether URL, address and namespace parse, which values contradict. A
  /// daemon's own override calls this first.
  virtual void check(Problems& problems) const;

  /// @return where Redis is, with the password from `redis.password_file` if there is one; the file must not
  /// be accessible to others.
  Result<redis::Endpoint> endpoint() const;

  /// The names and the token by which HTTP is served; the token is read from its file now.
  Result<HttpAccess> http_access() const;
  /// The files of HTTP's certificate: without a key's file, the key is in the certificate's.
  redis::TlsFiles http_tls() const;
};

}  // namespace mas::common
