// The other end of WorkerProcess.
#pragma once

#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

void add_bench_worker_command(Cli& cli);

}  // namespace mas::ctl
