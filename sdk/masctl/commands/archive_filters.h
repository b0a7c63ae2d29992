// Which archived messages a command is about, as the command line says it.
#pragma once

#include <string>

#include "sdk/masctl/redis/archive_reader.h"

namespace mas::ctl {

class Command;

/// As given on the command line.
struct ArchiveFilterOptions {
  std::string sender, target, type, message_id, from, to;

  bool any() const;
};

void add_archive_filters(Command& command, ArchiveFilterOptions& options);

/// @return kInvalidArgument that names the flag that is wrong.
Result<ArchiveFilter> archive_filter(const ArchiveFilterOptions& options, WallMicros now);

}  // namespace mas::ctl
