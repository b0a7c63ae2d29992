// Where Redis is: a URL, parsed and checked.
//
//   redis://[user[:password]@]host[:port][/db]
//   rediss://[user[:password]@]host[:port][/db][?ca=FILE&cert=FILE&key=FILE&server_name=NAME]
//   unix://[user[:password]@]/path/to.sock[?db=N]
//   redis+sentinel://[user[:password]@]host[:port],host…/master-name[/db][?sentinel_user=NAME&sentinel_password=TEXT]
//   redis+cluster://[user[:password]@]host[:port],host…
//
// rediss+sentinel:// and rediss+cluster:// use TLS for every node and have the options of rediss:// too. The password
// of the sentinels may be in a file instead (sentinel_password_file). A sentinel's port is 26379 unless given.
// `redis://:secret@host` gives a password without a user (the default user). User and password are
// percent-decoded (RFC 3986 §2.1); an IPv6 host is in brackets, without a zone (RFC 6874). The schemes of a single
// server are those registered with IANA (redis, rediss).
// Failure: errors name the part that is wrong and never contain a password. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace mas::redis {

struct TlsFiles {
  std::string ca;           ///< PEM file of trusted authorities; empty: the system's
  std::string cert;         ///< PEM client certificate chain; empty: none
  std::string key;          ///< PEM private key of `cert`; a URL without it: the file of `cert`
  std::string server_name;  ///< name that the server's certificate must carry; empty: the host
  bool operator==(const TlsFiles&) const = default;
};

/// A host, by name or address, and a port.
struct Node {
  std::string host;
  uint16_t port = 0;
  auto operator<=>(const Node&) const = default;
  /// "host:port"; an IPv6 address is in brackets.
  std::string text() const;
};

/// How the server that serves is found.
enum class Topology : uint8_t {
  kSingle,    ///< it is named by the URL
  kSentinel,  ///< sentinels know it
  kCluster    ///< each node of a cluster knows which one owns a key
};

/// How Redis Sentinel is asked.
struct SentinelAccess {
  std::string master_name;    ///< the name by which the sentinels monitor the primary
  std::string user;           ///< empty: the default user
  std::string password;       ///< empty: none, or in password_file
  std::string password_file;  ///< file whose first line is the password; empty: none
  bool operator==(const SentinelAccess&) const = default;
};

struct Endpoint {
  enum class Kind : uint8_t { kTcp, kTls, kUnix };
  Kind kind = Kind::kTcp;
  Topology topology = Topology::kSingle;
  std::string host = "localhost";  ///< kSingle by kTcp, kTls
  uint16_t port = 6379;            ///< kSingle by kTcp, kTls
  std::string path;                ///< kUnix
  std::vector<Node> nodes;         ///< kSentinel: sentinels; kCluster: nodes to ask first
  std::string user;                ///< empty: the default user
  std::string password;            ///< empty: no AUTH
  unsigned db = 0;
  TlsFiles tls;             ///< kTls
  SentinelAccess sentinel;  ///< kSentinel

  bool operator==(const Endpoint&) const = default;
  /// For logs and errors: "redis://host:6379/0", never a user, a password or a file's name. A valid URL.
  std::string address() const;
};

/// @return whether a text may be a host: a name, an IPv4 address or an IPv6 address without brackets.
bool is_host(std::string_view text);

/// Most nodes of one URL.
inline constexpr size_t kMaxUrlNodes = 32;

/// Where the password of a URL's user is: in the URL, or somewhere else that the caller reads.
enum class PasswordIn : uint8_t { kUrl, kElsewhere };

/// @return the endpoint, or kInvalidArgument with the part that is wrong and what was expected.
Result<Endpoint> parse_url(std::string_view url, PasswordIn password = PasswordIn::kUrl);

}  // namespace mas::redis
