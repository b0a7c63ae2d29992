// Where Redis is: `redis://`, `rediss://` and `unix://` URLs, parsed and checked.
//
//   redis://[user[:password]@]host[:port][/db]
//   rediss://[user[:password]@]host[:port][/db][?ca=FILE&cert=FILE&key=FILE&server_name=NAME]
//   unix://[user[:password]@]/path/to.sock[?db=N]
//
// `redis://:secret@host` gives a password without a user (the default user). User and password are
// percent-decoded (RFC 3986 §2.1); an IPv6 host is in brackets, without a zone (RFC 6874). Schemes are
// those registered with IANA (redis, rediss). Errors name the part that is wrong and never contain the password. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace mas::redis {

struct TlsFiles {
  std::string ca;           ///< PEM file of trusted authorities; empty: the system's
  std::string cert;         ///< PEM client certificate chain; empty: none
  std::string key;          ///< PEM private key of `cert`
  std::string server_name;  ///< name that the server's certificate must carry; empty: the host
  bool operator==(const TlsFiles&) const = default;
};

struct Endpoint {
  enum class Kind : uint8_t { kTcp, kTls, kUnix };
  Kind kind = Kind::kTcp;
  std::string host = "localhost";  ///< kTcp, kTls
  uint16_t port = 6379;            ///< kTcp, kTls
  std::string path;                ///< kUnix
  std::string user;                ///< empty: the default user
  std::string password;            ///< empty: no AUTH
  unsigned db = 0;
  TlsFiles tls;  ///< kTls

  bool operator==(const Endpoint&) const = default;
  /// For logs and errors: "redis://host:6379/0", never user or password.
  std::string address() const;
};

/// Where the password of a URL's user is: in the URL, or somewhere else that the caller reads.
enum class PasswordIn : uint8_t { kUrl, kElsewhere };

/// @return the endpoint, or kInvalidArgument with the part that is wrong and what was expected.
Result<Endpoint> parse_url(std::string_view url, PasswordIn password = PasswordIn::kUrl);

}  // namespace mas::redis
