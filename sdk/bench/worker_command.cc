// The hidden command `bench-worker`: takes its role, says "ready", and does what the lines on descriptor 3 say.
#include "sdk/bench/worker_command.h"

#include <csignal>

#include "sdk/bench/worker_process.h"
#include "sdk/bench/worker_role.h"

namespace mas::ctl {

namespace {

std::string error_line(const Error& error) {
  return "error " + std::to_string(static_cast<int>(error.code)) + " " + error.message;
}

Result<std::unique_ptr<Worker>> make_role(const Settings& settings, const RoleOptions& options) {
  if (options.role.starts_with("gateway-")) return make_gateway_role(settings, options);
  auto role = options.role.starts_with("raw-") ? make_raw_role(settings, options) : make_agent_role(settings, options);
  if (!role.ok()) return role.error();
  return std::unique_ptr<Worker>(std::move(*role));
}

Result<Document> run_worker(Context& context, const RoleOptions& options) {
  // Ctrl-C reaches the whole group: the coordinator ends the others in order, by closing the channel.
  std::signal(SIGINT, SIG_IGN);
  LineChannel control(kControlFd);
  auto role = make_role(context.settings, options);
  Status told = control.write_line(role.ok() ? "ready" : error_line(role.error()));
  while (role.ok() && told.ok()) {
    (*role)->wait(kControlFd);
    auto line = control.read_line(std::chrono::hours(1));
    if (!line.ok()) break;
    auto answer = (*role)->obey(*line);
    told = control.write_line(answer.ok() ? *answer : error_line(answer.error()));
  }
  return Document::printed(role.ok() ? ExitCode::kOk : ExitCode::kFailed);
}

}  // namespace

void add_bench_worker_command(Cli& cli) {
  Command* worker = cli.root().add_subcommand("bench-worker", "A process of a benchmark")->group("");
  auto& options = cli.leaf<RoleOptions>(*worker, run_worker);
  worker->add_option("ROLE", options.role)->required();
  worker->add_option("--self", options.self);
  worker->add_option("--peer", options.peer);
  worker->add_option("--payload", options.payload_bytes);
  worker->add_option("--slot", options.slot);
  worker->add_option("--first", options.first);
  worker->add_option("--agents", options.agents);
  worker->add_option("--peers", options.peers);
  worker->add_option("--fan-out", options.fan_out);
  worker->add_option("--in-flight", options.in_flight);
  worker->add_option("--credentials", options.credentials);
}

}  // namespace mas::ctl
