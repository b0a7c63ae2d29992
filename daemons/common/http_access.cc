// Header values against what is served.
#include "daemons/common/http_access.h"

#include <arpa/inet.h>

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/base/secret_file.h"
#include "proto/redis/url.h"
#include "proto/wire/digest.h"

namespace mas::common {
namespace {

constexpr size_t kMinTokenBytes = 16;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// @return a host name as names are compared: in lower case, without the dot of a fully qualified one.
std::string plain_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

bool is_address(int family, const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), address) == 1;
}

bool is_port(std::string_view text) {
  return text.empty() || (text.size() <= 6 && text[0] == ':' &&
                          std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> parse_hosts(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(" ,", at), text.size());
    const std::string host = plain_name(text.substr(at, end - at));
    at = end + 1;
    if (host.empty()) continue;
    const bool dotted = host.starts_with('.') || host.ends_with('.');
    if (!redis::is_host(host) || dotted || host.find(':') != std::string::npos)
      return Error{Errc::kInvalidArgument,
                   "'" + printable(host) + "' is not a host name; expected names without a port"};
    out.push_back(host);
  }
  return out;
}

Result<std::string> read_token(const std::string& path_or_credential) {
  auto token = read_password(path_or_credential);
  if (!token) return token.error();
  if (token->size() >= kMinTokenBytes && std::all_of(token->begin(), token->end(), is_token_character)) return token;
  return Error{Errc::kInvalidArgument, printable(path_or_credential, 512) +
                                           ": expected a token of 16 to 512 characters of A-Z, a-z, 0-9 and -._~+/="};
}

bool is_host_served(const HttpAccess& access, std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end != std::string_view::npos && is_port(host.substr(end + 1)) &&
           is_address(AF_INET6, std::string(host.substr(1, end - 1)));
  }
  const size_t colon = std::min(host.find(':'), host.size());
  if (!is_port(host.substr(colon))) return false;
  const std::string name = plain_name(host.substr(0, colon));
  return name == "localhost" || is_address(AF_INET, name) ||
         std::find(access.hosts.begin(), access.hosts.end(), name) != access.hosts.end();
}

Bearer check_bearer(const HttpAccess& access, std::string_view authorization) {
  if (access.token.empty()) return Bearer::kRight;
  if (authorization.empty()) return Bearer::kNone;
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() || lower(authorization.substr(0, kScheme.size())) != kScheme)
    return Bearer::kWrong;
  authorization.remove_prefix(kScheme.size());
  // Digests have one length, so the time tells nothing of the token's length either.
  return equal_in_constant_time(sha256(authorization), sha256(access.token)) ? Bearer::kRight : Bearer::kWrong;
}

}  // namespace mas::common
