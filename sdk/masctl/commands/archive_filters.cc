// Options, and times parsed.
#include "sdk/masctl/commands/archive_filters.h"

#include "sdk/masctl/cli/command.h"
#include "sdk/masctl/cli/times.h"

namespace mas::ctl {

bool ArchiveFilterOptions::any() const {
  return !(sender.empty() && target.empty() && type.empty() && message_id.empty() && from.empty() && to.empty());
}

void add_archive_filters(Command& command, ArchiveFilterOptions& options) {
  command
      .add_option("--from", options.from,
                  "Only messages delivered at or after this time: a time (2026-11-24T12:00:00Z, UTC) or an age (90s, "
                  "15m, 2h, 3d)")
      ->type_name("TIME");
  command.add_option("--to", options.to, "Only messages delivered before this time")->type_name("TIME");
  command.add_option("--target", options.target, "Only messages to this agent")->type_name("ID");
  command.add_option("--sender", options.sender, "Only messages from this agent")->type_name("ID");
  command.add_option("--type", options.type, "Only messages of this type")->type_name("TYPE");
  command.add_option("--id", options.message_id, "Only the message with this id")->type_name("MESSAGE");
}

Result<ArchiveFilter> archive_filter(const ArchiveFilterOptions& options, WallMicros now) {
  ArchiveFilter filter;
  filter.sender = options.sender;
  filter.target = options.target;
  filter.type = options.type;
  filter.message_id = options.message_id;
  if (auto status = parse_bound("--from", options.from, now, filter.from); !status.ok()) return status.error();
  if (auto status = parse_bound("--to", options.to, now, filter.to); !status.ok()) return status.error();
  return filter;
}

}  // namespace mas::ctl
