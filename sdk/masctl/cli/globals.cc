// Flag, then environment, then default.
#include "sdk/masctl/cli/globals.h"

#include <cstdlib>
#include <utility>

#include "proto/base/secret_file.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

namespace {

/// A value and where it came from, for errors.
std::pair<std::string, std::string> pick(const std::optional<std::string>& flag_value, const char* flag,
                                         const char* variable, const char* fallback) {
  if (flag_value) return {*flag_value, flag};
  const char* value = std::getenv(variable);
  if (value != nullptr && *value != '\0') return {value, variable};
  return {fallback, "default"};
}

}  // namespace

Result<Settings> resolve(const Globals& globals) {
  Settings settings;
  auto [url, url_from] = pick(globals.redis_url, "--redis", "MAS_REDIS_URL", "redis://localhost:6379");
  // A password in the URL comes first.
  constexpr const char* kPasswordFile = "MAS_REDIS_PASSWORD_FILE";
  const std::string file = pick(std::nullopt, "", kPasswordFile, "").first;
  auto endpoint = redis::parse_url(url, file.empty() ? redis::PasswordIn::kUrl : redis::PasswordIn::kElsewhere);
  if (!endpoint.ok()) return endpoint.error().in(url_from);
  if (!file.empty() && endpoint->password.empty()) {
    auto password = read_password(path_of(file));
    if (!password.ok()) return Error{Errc::kInvalidArgument, password.error().message}.in(kPasswordFile);
    endpoint->password = std::move(*password);
  }

  auto [ns, ns_from] =
      pick(globals.ns.empty() ? std::nullopt : std::optional(globals.ns), "--namespace", "MAS_NAMESPACE", "");
  if (!ns.empty()) {
    Status status = check_namespace(ns);
    if (!status.ok()) return status.error().in(ns_from);
  }
  auto timeout = parse_seconds(globals.timeout);
  if (!timeout.ok()) return timeout.error().in("--timeout");

  settings.redis_url = url;
  settings.ns = ns;
  settings.endpoint = *endpoint;
  settings.keys = Keys(ns, key_layout(endpoint->topology == redis::Topology::kCluster));
  settings.timeout = *timeout;
  return settings;
}

}  // namespace mas::ctl
