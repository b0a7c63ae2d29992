// Filters of the audit commands.
#include "sdk/masctl/commands/audit_options.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "proto/base/ids.h"
#include "sdk/masctl/cli/command.h"

namespace mas::ctl {

namespace {

constexpr int64_t kSecond = 1'000'000;

/// Seconds of a unit that a duration may end with; 0: not a unit.
int64_t unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0 && value < 1e11;
  return whole ? std::optional(value) : std::nullopt;
}

/// "2026-11-24", "2026-11-24T12:00:00Z", "2026-11-24 12:00:00.25".
std::optional<WallMicros> calendar_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  int fields = std::sscanf(text.c_str(), "%4d-%2d-%2d%n%*1[T ]%2d:%2d:%9lf%n", &year, &month, &day, &used, &hour,
                           &minute, &second, &used);
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(used));
  bool date = fields == 3 && rest.empty();
  bool time = fields == 6 && (rest.empty() || rest == "Z");
  std::chrono::year_month_day when{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  bool in_range =
      when.ok() && year >= 1970 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 61;
  if (!(date || time) || !in_range) return std::nullopt;
  int64_t days = std::chrono::sys_days(when).time_since_epoch().count();
  return (days * 86400 + hour * 3600 + minute * 60) * kSecond + std::llround(second * kSecond);
}

Result<WallMicros> when_of(std::string_view flag, const std::string& text, WallMicros now, WallMicros otherwise) {
  if (text.empty()) return otherwise;
  auto when = parse_when(text, now);
  if (!when.ok()) return when.error().in(flag);
  return when;
}

}  // namespace

Result<WallMicros> parse_when(std::string_view text, WallMicros now) {
  int64_t unit = text.empty() ? 0 : unit_seconds(text.back());
  if (unit != 0) {
    auto ago = number(text.substr(0, text.size() - 1));
    if (ago) return now - std::llround(*ago * static_cast<double>(unit * kSecond));
  } else if (auto seconds = number(text)) {
    return std::llround(*seconds * kSecond);
  } else if (auto time = calendar_time(std::string(text))) {
    return *time;
  }
  return Error{Errc::kInvalidArgument, "'" + printable(text) +
                                           "' is no time; expected one like 2026-11-24T12:00:00Z or 2026-11-24 (UTC), "
                                           "seconds since 1970, or how long ago: 90s, 15m, 2h, 3d"};
}

Result<gateway::audit::Filter> audit_filter(const AuditFilterOptions& options, WallMicros now) {
  gateway::audit::Filter filter;
  filter.sender = options.sender;
  filter.target = options.target;
  filter.type = options.type;
  filter.message_id = options.message_id;
  if (!options.decision.empty()) {
    filter.decision = parse_decision(options.decision);
    if (!filter.decision)
      return Error{Errc::kInvalidArgument, "--decision: '" + printable(options.decision) +
                                               "' is none; expected one like ALLOWED or AUTHZ_DENIED"};
  }
  auto since = when_of("--since", options.since, now, filter.since);
  if (!since.ok()) return since.error();
  auto until = when_of("--until", options.until, now, filter.until);
  if (!until.ok()) return until.error();
  filter.since = *since;
  filter.until = *until;
  return filter;
}

void add_audit_filters(Command& command, AuditFilterOptions& options) {
  command.add_option("--sender", options.sender, "Only messages of this agent")->type_name("ID");
  command.add_option("--target", options.target, "Only messages to this agent")->type_name("ID");
  command.add_option("--type", options.type, "Only messages of this type")->type_name("TYPE");
  command.add_option("--decision", options.decision, "Only messages that were decided so, such as AUTHZ_DENIED")
      ->type_name("NAME");
  command.add_option("--id", options.message_id, "Only the message with this id")->type_name("MESSAGE");
  command
      .add_option("--since", options.since,
                  "Not before: a time (2026-11-24T12:00:00Z, UTC), or how long ago (90s, 15m, 2h, 3d)")
      ->type_name("TIME");
  command.add_option("--until", options.until, "Before that time")->type_name("TIME");
}

}  // namespace mas::ctl
