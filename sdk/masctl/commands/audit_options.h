// What `audit` commands are asked for: filters, and times as people write them. Pure but for the clock's time, which is
// given.
#pragma once

#include <string>

#include "daemons/gatewayd/audit/query.h"
#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::ctl {

class Command;

/// The filters as given on the command line.
struct AuditFilterOptions {
  std::string sender, target, decision, type, message_id, since, until;
};

void add_audit_filters(Command& command, AuditFilterOptions& options);

/// @return kInvalidArgument that names the flag that is wrong.
Result<gateway::audit::Filter> audit_filter(const AuditFilterOptions& options, WallMicros now);

/// @param text a time in RFC 3339 (UTC: "2026-11-24T12:00:00Z", "2026-11-24"), seconds since 1970, or how long ago:
/// "90s", "15m", "2h", "3d". @return kInvalidArgument with what was expected.
Result<WallMicros> parse_when(std::string_view text, WallMicros now);

}  // namespace mas::ctl
