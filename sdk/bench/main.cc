// masctl-bench: measures. It has masctl's command line, as far as that measures, and is started by masctl.
#include <csignal>

#include "sdk/bench/bench.h"
#include "sdk/bench/worker_command.h"

int main(int argc, char** argv) {
  using namespace mas::ctl;
  std::signal(SIGPIPE, SIG_IGN);  // see Output::closed()
  const BenchRuns runs{bench_p2p, bench_request, bench_discover, bench_state, bench_gateway, bench_dlp};
  Cli cli;
  add_bench_commands(cli, runs);
  add_dlp_bench_command(cli, cli.group("dlp", "Data-loss prevention"), runs);
  add_bench_worker_command(cli);
  return static_cast<int>(cli.run(argc, argv));
}
