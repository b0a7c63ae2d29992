// URL parsing: scheme, user info, authority, path and query, in the order they stand.
#include "proto/redis/url.h"

#include <optional>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas::redis {
namespace {

constexpr size_t kMaxUrlBytes = 4096;

Error bad(const std::string& what) { return Error{Errc::kInvalidArgument, "Redis URL: " + what}; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 3986 §2.1. @return nullopt for a '%' without two hexadecimal digits, or for a NUL.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = hex_digit(text[i + 1]);
    int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

template <typename Number>
std::optional<Number> number(std::string_view text, Number max) {
  auto value = parse_number<Number>(text);
  return value && *value <= max ? value : std::nullopt;
}

Status parse_db(Endpoint& endpoint, std::string_view text) {
  auto db = number<unsigned>(text, 65535);
  if (!db) return bad("database '" + printable(text) + "' is not a number from 0 to 65535");
  endpoint.db = *db;
  return {};
}

Status parse_user_info(Endpoint& endpoint, std::string_view info, PasswordIn where) {
  auto colon = info.find(':');
  auto user = percent_decode(info.substr(0, colon));
  auto password = percent_decode(colon == std::string_view::npos ? std::string_view() : info.substr(colon + 1));
  if (!user || !password) return bad("user or password has a '%' that is not followed by two hexadecimal digits");
  if (!user->empty() && password->empty() && where == PasswordIn::kUrl)
    return bad("a user is given but no password; expected user:password@");
  endpoint.user = *user;
  endpoint.password = *password;
  return {};
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

Status parse_host_port(Endpoint& endpoint, std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    auto close = text.find(']');
    if (close == std::string_view::npos) return bad("the IPv6 address has no closing ']'");
    host = text.substr(1, close - 1);
    if (host.find('%') != std::string_view::npos)
      return bad("'" + printable(host) + "' has a zone; expected an address without one");
    for (char c : host)
      if (hex_digit(c) < 0 && c != ':' && c != '.') return bad("'" + printable(host) + "' is not an IPv6 address");
    std::string_view rest = text.substr(close + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return bad("expected ':port' or '/' after the IPv6 address");
    if (has_port) port = rest.substr(1);
  } else if (auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
    for (char c : host)
      if (!is_host_char(c))
        return bad("host '" + printable(host) + "' has a character that is not valid in a host name");
  } else {
    for (char c : host)
      if (!is_host_char(c))
        return bad("host '" + printable(host) + "' has a character that is not valid in a host name");
  }
  if (host.empty()) return bad("it has no host; expected one after ://, such as localhost");
  if (host.size() > 253) return bad("the host has more than 253 characters");
  if (has_port) {
    auto value = number<uint16_t>(port, 65535);
    if (!value || *value == 0) return bad("port '" + printable(port) + "' is not a number from 1 to 65535");
    endpoint.port = *value;
  }
  endpoint.host = std::string(host);
  return {};
}

Status set_option(Endpoint& endpoint, std::string_view name, std::string value) {
  if (name == "db" && endpoint.kind == Endpoint::Kind::kUnix) return parse_db(endpoint, value);
  if (endpoint.kind == Endpoint::Kind::kTls) {
    if (name == "ca") return endpoint.tls.ca = std::move(value), Status();
    if (name == "cert") return endpoint.tls.cert = std::move(value), Status();
    if (name == "key") return endpoint.tls.key = std::move(value), Status();
    if (name == "server_name") return endpoint.tls.server_name = std::move(value), Status();
  }
  const char* known = endpoint.kind == Endpoint::Kind::kTls    ? "ca, cert, key, server_name"
                      : endpoint.kind == Endpoint::Kind::kUnix ? "db"
                                                               : "none";
  return bad("unknown option '" + printable(name) + "'; this scheme knows: " + known);
}

Status parse_query(Endpoint& endpoint, std::string_view query) {
  while (!query.empty()) {
    auto option = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), option.size() + 1));
    auto equals = option.find('=');
    if (equals == std::string_view::npos) return bad("option '" + printable(option) + "' has no value");
    auto value = percent_decode(option.substr(equals + 1));
    if (!value || value->empty()) return bad("option '" + printable(option.substr(0, equals)) + "' has a bad value");
    if (auto status = set_option(endpoint, option.substr(0, equals), std::move(*value)); !status) return status;
  }
  if (endpoint.tls.cert.empty() != endpoint.tls.key.empty())
    return bad("cert and key belong together; only one is given");
  return {};
}

Status parse_scheme(Endpoint& endpoint, std::string_view& rest) {
  auto separator = rest.find("://");
  auto scheme = rest.substr(0, separator);
  if (separator == std::string_view::npos || (scheme != "redis" && scheme != "rediss" && scheme != "unix"))
    return bad("expected redis://, rediss:// or unix:// at the start");
  endpoint.kind = scheme == "unix"     ? Endpoint::Kind::kUnix
                  : scheme == "rediss" ? Endpoint::Kind::kTls
                                       : Endpoint::Kind::kTcp;
  rest.remove_prefix(separator + 3);
  return {};
}

Status parse_path(Endpoint& endpoint, std::string_view path) {
  if (endpoint.kind != Endpoint::Kind::kUnix) {
    path.remove_prefix(std::min<size_t>(path.size(), 1));
    return path.empty() ? Status() : parse_db(endpoint, path);
  }
  auto decoded = percent_decode(path);
  if (!decoded || decoded->empty() || (*decoded)[0] != '/')
    return bad("expected an absolute socket path, unix:///path/to.sock");
  constexpr size_t kSunPath = 107;  // sizeof sockaddr_un.sun_path less its zero
  if (decoded->size() > kSunPath) return bad("the socket path has more than 107 bytes");
  endpoint.path = std::move(*decoded);
  return {};
}

}  // namespace

std::string Endpoint::address() const {
  std::string shown_host = host.find(':') == std::string::npos ? host : "[" + host + "]";
  switch (kind) {
    case Kind::kUnix:
      return "unix://" + path + (db == 0 ? "" : "?db=" + std::to_string(db));
    case Kind::kTcp:
      return "redis://" + shown_host + ":" + std::to_string(port) + "/" + std::to_string(db);
    case Kind::kTls:
      return "rediss://" + shown_host + ":" + std::to_string(port) + "/" + std::to_string(db);
  }
  return {};
}

Result<Endpoint> parse_url(std::string_view url, PasswordIn password) {
  if (url.size() > kMaxUrlBytes) return bad("it has more than 4096 bytes");
  for (char c : url)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return bad("it contains white space or a control character");

  Endpoint endpoint;
  std::string_view rest = url;
  if (auto status = parse_scheme(endpoint, rest); !status) return status.error();

  auto query_at = rest.find('?');
  std::string_view query = query_at == std::string_view::npos ? std::string_view() : rest.substr(query_at + 1);
  rest = rest.substr(0, query_at);

  auto path_at = rest.find('/');
  std::string_view authority = rest.substr(0, path_at);
  std::string_view path = path_at == std::string_view::npos ? std::string_view() : rest.substr(path_at);

  // A bare '/' or '?' in a password: what follows it must not be shown as a port, database or option.
  bool user_info = authority.find('@') != std::string_view::npos;
  bool stray = path.find('@') != std::string_view::npos || (!user_info && query.find('@') != std::string_view::npos);
  if (stray && endpoint.kind != Endpoint::Kind::kUnix)
    return bad("there is a '@' after the first '/' or '?'; write these as %2F, %3F and %40 in a password or path");

  if (auto at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto status = parse_user_info(endpoint, authority.substr(0, at), password); !status) return status.error();
    authority.remove_prefix(at + 1);
  }
  if (endpoint.kind == Endpoint::Kind::kUnix) {
    if (!authority.empty()) return bad("a unix:// URL has no host; expected unix:///path/to.sock");
  } else if (auto status = parse_host_port(endpoint, authority); !status) {
    return status.error();
  }
  if (auto status = parse_path(endpoint, path); !status) return status.error();
  if (auto status = parse_query(endpoint, query); !status) return status.error();
  return endpoint;
}

}  // namespace mas::redis
