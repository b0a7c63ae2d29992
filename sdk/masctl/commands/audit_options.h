// What `audit` commands are asked for: filters. Pure but for the clock's time, which is given.
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

}  // namespace mas::ctl
