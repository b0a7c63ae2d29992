// Reading INFO server, and what follows from it.
#include "daemons/healthd/outage.h"

#include <algorithm>

#include "proto/base/numbers.h"

namespace mas::health {

namespace {

// The value of `name` in lines of "name:value\r\n".
std::string_view info_value(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    std::string_view line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(info.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
  }
  return {};
}

}  // namespace

ServerInfo parse_server_info(std::string_view info) {
  ServerInfo server;
  server.run_id = info_value(info, "run_id");
  auto seconds = parse_number<int64_t>(info_value(info, "uptime_in_seconds"));
  if (seconds && *seconds >= 0 && *seconds < int64_t{1} << 31) server.uptime_seconds = seconds;
  return server;
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
