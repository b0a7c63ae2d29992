// Filters of the audit commands.
#include "sdk/masctl/commands/audit_options.h"

#include "proto/base/ids.h"
#include "sdk/masctl/cli/command.h"
#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

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
                                               "' is not a decision; expected one like ALLOWED or AUTHZ_DENIED"};
  }
  if (auto status = parse_bound("--since", options.since, now, filter.since); !status.ok()) return status.error();
  if (auto status = parse_bound("--until", options.until, now, filter.until); !status.ok()) return status.error();
  return filter;
}

void add_audit_filters(Command& command, AuditFilterOptions& options) {
  command.add_option("--sender", options.sender, "Only messages from this agent")->type_name("ID");
  command.add_option("--target", options.target, "Only messages to this agent")->type_name("ID");
  command.add_option("--type", options.type, "Only messages of this type")->type_name("TYPE");
  command.add_option("--decision", options.decision, "Only messages with this decision, such as AUTHZ_DENIED")
      ->type_name("NAME");
  command.add_option("--id", options.message_id, "Only the message with this id")->type_name("MESSAGE");
  command
      .add_option("--since", options.since,
                  "Only records at or after this time: a time (2026-11-24T12:00:00Z, UTC) or an age (90s, 15m, 2h, 3d)")
      ->type_name("TIME");
  command.add_option("--until", options.until, "Only records before this time")->type_name("TIME");
}

}  // namespace mas::ctl
