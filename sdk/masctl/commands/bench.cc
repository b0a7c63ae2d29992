// Finding and starting masctl-bench.
#include "sdk/masctl/commands/bench.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sdk/masctl/commands/commands.h"

namespace mas::ctl {

namespace {

namespace fs = std::filesystem;

/// Beside masctl in a build tree, MASCTL_BENCH_INSTALLED (relative to masctl) where it is installed.
Result<fs::path> bench_program() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path installed = (here / MASCTL_BENCH_INSTALLED).lexically_normal();
  for (const fs::path& path : {here / "masctl-bench", installed})
    if (access(path.c_str(), X_OK) == 0) return path;
  return Error{Errc::kNotFound, "the benchmarks are not installed: cannot find " + installed.string()};
}

template <typename Options>
Result<Document> start(Context& context, const Options&) {
  auto program = bench_program();
  if (!program.ok()) return program.error();
  execv(program->c_str(), context.argv);
  return Error{Errc::kInternal, "cannot start " + program->string() + ": " + std::strerror(errno)};
}

}  // namespace

BenchRuns bench_runs() {
  return {start<P2pOptions>,   start<RequestBenchOptions>, start<DiscoverOptions>,
          start<StateOptions>, start<GatewayBenchOptions>, start<DlpBenchOptions>};
}

void add_bench_commands(Cli& cli) { add_bench_commands(cli, bench_runs()); }

}  // namespace mas::ctl
