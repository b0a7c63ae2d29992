// `bench …` and `dlp bench` in masctl: each starts masctl-bench in its place, with the same command line.
#pragma once

#include "sdk/masctl/commands/bench_options.h"

namespace mas::ctl {

BenchRuns bench_runs();

}  // namespace mas::ctl
