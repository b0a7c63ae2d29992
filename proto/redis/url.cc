// URL parsing: scheme, user info, authority, path and query, in the order they stand.
#include "proto/redis/url.h"

#include <algorithm>
#include <optional>

#include "proto/base/ids.h"
#include "proto/base/numbers.h"

namespace mas::redis {
namespace {

constexpr size_t kMaxUrlBytes = 4096;
constexpr size_t kMaxHostBytes = 253;

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

/// @param text "host", "host:port" or "[address]:port". @param port unless `text` has one.
Result<Node> parse_node(std::string_view text, uint16_t port) {
  std::string_view host = text;
  std::optional<std::string_view> port_text;
  if (text.starts_with('[')) {
    auto close = text.find(']');
    if (close == std::string_view::npos) return bad("the IPv6 address has no closing ']'");
    host = text.substr(1, close - 1);
    if (host.find('%') != std::string_view::npos)
      return bad("'" + printable(host) + "' has a zone; expected an address without one");
    for (char c : host)
      if (hex_digit(c) < 0 && c != ':' && c != '.') return bad("'" + printable(host) + "' is not an IPv6 address");
    std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return bad("expected ':port' or '/' after the IPv6 address");
    if (!rest.empty()) port_text = rest.substr(1);
  } else {
    auto colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) port_text = text.substr(colon + 1);
    for (char c : host)
      if (!is_host_char(c))
        return bad("host '" + printable(host) + "' has a character that is not valid in a host name");
  }
  if (host.empty()) return bad("it has no host; expected one after ://, such as localhost");
  if (host.size() > kMaxHostBytes) return bad("the host has more than 253 characters");
  if (port_text) {
    auto value = number<uint16_t>(*port_text, 65535);
    if (!value || *value == 0) return bad("port '" + printable(*port_text) + "' is not a number from 1 to 65535");
    port = *value;
  }
  return Node{std::string(host), port};
}

/// The host of a single server, or the list of nodes.
Status parse_authority(Endpoint& endpoint, std::string_view text, uint16_t port) {
  if (endpoint.topology == Topology::kSingle) {
    auto node = parse_node(text, port);
    if (!node) return node.error();
    endpoint.host = std::move(node->host);
    endpoint.port = node->port;
    return {};
  }
  for (bool more = true; more;) {
    if (endpoint.nodes.size() == kMaxUrlNodes)
      return bad("it has more than " + std::to_string(kMaxUrlNodes) + " hosts");
    const auto comma = text.find(',');
    auto node = parse_node(text.substr(0, comma), port);
    if (!node) return node.error();
    endpoint.nodes.push_back(std::move(*node));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return {};
}

/// An option of the query whose value is a text of the endpoint.
struct TextOption {
  std::string_view name;
  std::string& (*field)(Endpoint&);
  bool (*applies)(const Endpoint&);
};

bool uses_tls(const Endpoint& endpoint) { return endpoint.kind == Endpoint::Kind::kTls; }
bool asks_sentinels(const Endpoint& endpoint) { return endpoint.topology == Topology::kSentinel; }

constexpr TextOption kTextOptions[] = {
    {"ca", [](Endpoint& e) -> std::string& { return e.tls.ca; }, uses_tls},
    {"cert", [](Endpoint& e) -> std::string& { return e.tls.cert; }, uses_tls},
    {"key", [](Endpoint& e) -> std::string& { return e.tls.key; }, uses_tls},
    {"server_name", [](Endpoint& e) -> std::string& { return e.tls.server_name; }, uses_tls},
    {"sentinel_user", [](Endpoint& e) -> std::string& { return e.sentinel.user; }, asks_sentinels},
    {"sentinel_password", [](Endpoint& e) -> std::string& { return e.sentinel.password; }, asks_sentinels},
    {"sentinel_password_file", [](Endpoint& e) -> std::string& { return e.sentinel.password_file; }, asks_sentinels},
};

/// @return the option of that name; null: the scheme has none.
const TextOption* find_option(const Endpoint& endpoint, std::string_view name) {
  for (const auto& option : kTextOptions)
    if (option.name == name && option.applies(endpoint)) return &option;
  return nullptr;
}

Status set_option(Endpoint& endpoint, std::string_view name, std::string value) {
  const bool has_db = endpoint.kind == Endpoint::Kind::kUnix;
  if (name == "db" && has_db) return parse_db(endpoint, value);
  if (const auto* option = find_option(endpoint, name)) return option->field(endpoint) = std::move(value), Status();
  std::string known = has_db ? "db" : "";
  for (const auto& option : kTextOptions)
    if (option.applies(endpoint)) known.append(known.empty() ? "" : ", ").append(option.name);
  return bad("unknown option '" + printable(name) + "'; this scheme knows: " + (known.empty() ? "none" : known));
}

Status check_options(Endpoint& endpoint) {
  const SentinelAccess& sentinel = endpoint.sentinel;
  if (endpoint.tls.cert.empty() && !endpoint.tls.key.empty()) return bad("key is given without cert");
  if (endpoint.tls.key.empty()) endpoint.tls.key = endpoint.tls.cert;
  if (!sentinel.password.empty() && !sentinel.password_file.empty())
    return bad("sentinel_password and sentinel_password_file are both given; expected one of them");
  if (!sentinel.user.empty() && sentinel.password.empty() && sentinel.password_file.empty())
    return bad("sentinel_user is given but neither sentinel_password nor sentinel_password_file");
  return {};
}

Status parse_query(Endpoint& endpoint, std::string_view query) {
  while (!query.empty()) {
    auto option = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), option.size() + 1));
    auto equals = option.find('=');
    if (equals == std::string_view::npos && asks_sentinels(endpoint))  // perhaps a part of a password
      return bad("an option has no value; write '&' as %26 in a password");
    if (equals == std::string_view::npos) return bad("option '" + printable(option) + "' has no value");
    const auto name = option.substr(0, equals);
    if (!endpoint.sentinel.password.empty() && find_option(endpoint, name) == nullptr)  // perhaps the same
      return bad("an option after sentinel_password is unknown; write '&' as %26 in a password");
    auto value = percent_decode(option.substr(equals + 1));
    if (!value || value->empty()) return bad("option '" + printable(name) + "' has a bad value");
    if (auto status = set_option(endpoint, name, std::move(*value)); !status) return status;
  }
  return check_options(endpoint);
}

struct Scheme {
  std::string_view name;
  Endpoint::Kind kind;
  Topology topology;
  uint16_t port;  // unless the URL gives one
};

constexpr Scheme kSchemes[] = {
    {"redis", Endpoint::Kind::kTcp, Topology::kSingle, 6379},
    {"rediss", Endpoint::Kind::kTls, Topology::kSingle, 6379},
    {"unix", Endpoint::Kind::kUnix, Topology::kSingle, 0},
    {"redis+sentinel", Endpoint::Kind::kTcp, Topology::kSentinel, 26379},
    {"rediss+sentinel", Endpoint::Kind::kTls, Topology::kSentinel, 26379},
    {"redis+cluster", Endpoint::Kind::kTcp, Topology::kCluster, 6379},
    {"rediss+cluster", Endpoint::Kind::kTls, Topology::kCluster, 6379},
};

/// Takes the scheme and "://" from the front of `rest`.
Result<const Scheme*> parse_scheme(std::string_view& rest) {
  const auto separator = rest.find("://");
  const auto name = rest.substr(0, separator);
  for (const Scheme& scheme : kSchemes) {
    if (separator == std::string_view::npos || scheme.name != name) continue;
    rest.remove_prefix(separator + 3);
    return &scheme;
  }
  return bad(
      "expected redis://, rediss:// or unix:// at the start, or redis+sentinel://, rediss+sentinel://, "
      "redis+cluster:// or rediss+cluster://");
}

std::string_view scheme_of(const Endpoint& endpoint) {
  for (const Scheme& scheme : kSchemes)
    if (scheme.kind == endpoint.kind && scheme.topology == endpoint.topology) return scheme.name;
  return {};
}

/// Sentinel's own rule for names.
bool is_master_name(std::string_view name) {
  constexpr size_t kMost = 128;
  return !name.empty() && name.size() <= kMost && std::all_of(name.begin(), name.end(), is_host_char);
}

/// @param path without its '/': a database, or a name and a database.
Status parse_names(Endpoint& endpoint, std::string_view path) {
  if (endpoint.topology == Topology::kSentinel) {
    const auto slash = path.find('/');
    const auto name = path.substr(0, slash);
    if (!is_master_name(name))
      return bad("'" + printable(name) +
                 "' is not the name of a primary; expected /NAME after the hosts, with 1 to 128 "
                 "letters, digits, '.', '-' or '_'");
    endpoint.sentinel.master_name = std::string(name);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  if (path.empty()) return {};
  if (auto status = parse_db(endpoint, path); !status) return status;
  if (endpoint.topology == Topology::kCluster && endpoint.db != 0)
    return bad("database '" + printable(path) + "' is given; a cluster has database 0 only");
  return {};
}

Status parse_path(Endpoint& endpoint, std::string_view path) {
  if (endpoint.kind != Endpoint::Kind::kUnix) {
    path.remove_prefix(std::min<size_t>(path.size(), 1));
    return parse_names(endpoint, path);
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

std::string Node::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::string Endpoint::address() const {
  std::string shown(scheme_of(*this));
  shown += "://";
  if (kind == Kind::kUnix) return shown + path + (db == 0 ? "" : "?db=" + std::to_string(db));
  if (topology == Topology::kSingle) shown += Node{host, port}.text();
  for (size_t i = 0; i < nodes.size(); ++i) shown.append(i == 0 ? "" : ",").append(nodes[i].text());
  if (topology == Topology::kSentinel) shown += "/" + sentinel.master_name;
  return shown + "/" + std::to_string(db);
}

bool is_host(std::string_view text) {
  const bool v6 = text.find(':') != std::string_view::npos;
  const auto valid = [v6](char c) { return v6 ? hex_digit(c) >= 0 || c == ':' || c == '.' : is_host_char(c); };
  return !text.empty() && text.size() <= kMaxHostBytes && std::all_of(text.begin(), text.end(), valid);
}

Result<Endpoint> parse_url(std::string_view url, PasswordIn password) {
  if (url.size() > kMaxUrlBytes) return bad("it has more than 4096 bytes");
  for (char c : url)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return bad("it contains white space or a control character");

  Endpoint endpoint;
  std::string_view rest = url;
  auto scheme = parse_scheme(rest);
  if (!scheme) return scheme.error();
  endpoint.kind = (*scheme)->kind;
  endpoint.topology = (*scheme)->topology;

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
  } else if (auto status = parse_authority(endpoint, authority, (*scheme)->port); !status) {
    return status.error();
  }
  if (auto status = parse_path(endpoint, path); !status) return status.error();
  if (auto status = parse_query(endpoint, query); !status) return status.error();
  return endpoint;
}

}  // namespace mas::redis
