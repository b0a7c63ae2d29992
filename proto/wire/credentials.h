// The credentials file, with which an agent authenticates: to the gateway, to Redis, or to both. `masctl enroll` and
// `masctl identity create` write it once.
//
//   agent_id = "planner"
//   token = "43 characters of url-safe base64"
//   key_id = "k1abc…"
//   key = "43 characters of url-safe base64"
//   redis_url = "rediss://redis.example:6379"
//   redis_user = "agent.planner"
//   redis_password = "43 characters of url-safe base64"
//   redis_ca = "/etc/mas/ca.pem"
//   namespace = "team"
//
// To the gateway: a token, or a key with its id, or both. To Redis: user and password; what redis_url, redis_ca and
// namespace leave out is found as without a file. The file's mode must be 0600 or 0400 (a systemd credential may be
// 0440).
// Failure: see secret_file.h; kInvalidArgument with file, line and field, and what was expected; never the file's
// content.
// Threading: any thread. Ownership: secrets are wiped with the object.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace mas {

/// An agent's way to Redis.
struct RedisCredentials {
  std::string url;  ///< not yet parsed; empty: none
  std::string user;
  std::string password;
  std::string ca;  ///< path of a PEM file
  std::string ns;
  std::string url_place;  ///< "file:line: redis_url", for who parses it

  bool empty() const { return url.empty() && user.empty() && ca.empty() && ns.empty(); }
};

struct Credentials {
  std::string agent_id;
  std::string token;   ///< empty: none
  std::string key_id;  ///< empty: no key
  std::string key;     ///< 32 bytes, or empty
  RedisCredentials redis;

  Credentials() = default;
  Credentials(const Credentials&) = default;
  Credentials(Credentials&&) = default;
  Credentials& operator=(const Credentials&) = default;
  Credentials& operator=(Credentials&&) = default;
  ~Credentials();

  bool has_key() const { return !key.empty(); }
};

/// @param path_or_credential a path; without '/' the name of a credential in $CREDENTIALS_DIRECTORY.
Result<Credentials> read_credentials(const std::string& path_or_credential);

/// @param file its name, for errors.
Result<Credentials> parse_credentials(std::string_view text, const std::string& file);

/// What parse_credentials reads; a secret.
std::string credentials_toml(const Credentials& credentials);

}  // namespace mas
