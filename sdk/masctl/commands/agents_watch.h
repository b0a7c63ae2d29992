// `agents watch`, which is a stream and so has a file of its own.
#pragma once

#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

void add_agents_watch_command(Cli& cli, Command& agents);

}  // namespace mas::ctl
