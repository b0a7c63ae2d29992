// Reading INFO server, and what follows from it.
#include "daemons/healthd/outage.h"

#include <algorithm>
#include <vector>

#include "proto/base/numbers.h"
#include "proto/redis/reply_values.h"

namespace mas::health {

ServerInfo parse_server_info(std::string_view info) {
  ServerInfo server;
  server.run_id = redis::info_value(info, "run_id");
  auto seconds = parse_number<int64_t>(redis::info_value(info, "uptime_in_seconds"));
  if (seconds && *seconds >= 0 && *seconds < int64_t{1} << 31) server.uptime_seconds = seconds;
  return server;
}

ServerInfo all_of(std::span<const ServerInfo> servers) {
  ServerInfo all;
  std::vector<std::string> ids;
  for (const ServerInfo& server : servers) {
    ids.push_back(server.run_id);
    const bool first = ids.size() == 1;
    if (first || !server.uptime_seconds || (all.uptime_seconds && *server.uptime_seconds < *all.uptime_seconds))
      all.uptime_seconds = server.uptime_seconds;
    if (!all.uptime_seconds) break;
  }
  const bool unknown = ids.size() < servers.size() || std::ranges::any_of(ids, &std::string::empty);
  if (unknown) return {{}, all.uptime_seconds};
  std::ranges::sort(ids);
  for (const std::string& id : ids) all.run_id += (all.run_id.empty() ? "" : " ") + id;
  return all;
}

std::optional<MonoTime> Outage::up(const ServerInfo& server, MonoTime now) {
  bool long_away = now - down_since_ >= kShortest;
  bool other_server = server.run_id.empty() || server.run_id != run_id_;
  bool first = first_;
  first_ = false;
  run_id_ = server.run_id;
  if (!first) return long_away || other_server ? std::optional(now) : std::nullopt;
  // This process has just started. Agents could beat since Redis is up, unless we, too, had to wait for it.
  if (long_away || !server.uptime_seconds) return now;
  return now - std::chrono::seconds(*server.uptime_seconds);
}

}  // namespace mas::health
