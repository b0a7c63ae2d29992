// Flag, then environment, then default.
#include "sdk/masctl/cli/globals.h"

#include <cstdlib>
#include <utility>

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
  auto endpoint = redis::parse_url(url);
  if (!endpoint.ok()) return endpoint.error().in(url_from);

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
