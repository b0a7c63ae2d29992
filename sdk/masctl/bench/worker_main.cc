// The hidden command `bench-worker`: takes its role, says "ready", and does what the lines on descriptor 3 say.
//
//   round …          run a round, answer its result
//   sample           answer the first envelope that came
//   envelope JSON    use this envelope from now on, answer "ok"
#include "sdk/masctl/bench/worker_main.h"

#include <CLI/CLI.hpp>
#include <csignal>

#include "sdk/masctl/bench/worker_process.h"
#include "sdk/masctl/bench/worker_role.h"

namespace mas::ctl {

namespace {

constexpr std::string_view kEnvelope = "envelope ";

Result<std::string> obey(WorkerRole& role, const std::string& line) {
  if (line == "sample") return role.sample();
  if (line.starts_with(kEnvelope)) {
    Status used = role.use_envelope(line.substr(kEnvelope.size()));
    if (!used.ok()) return used.error();
    return std::string("ok");
  }
  auto order = RoundOrder::from_line(line);
  if (!order.ok()) return order.error();
  auto round = role.run(*order);
  if (!round.ok()) return round.error();
  return round->to_line();
}

std::string error_line(const Error& error) {
  return "error " + std::to_string(static_cast<int>(error.code)) + " " + error.message;
}

Result<std::unique_ptr<WorkerRole>> make_role(const Settings& settings, const RoleOptions& options) {
  return options.role.starts_with("raw-") ? make_raw_role(settings, options) : make_agent_role(settings, options);
}

ExitCode run_worker(Context& context, const RoleOptions& options) {
  // Ctrl-C reaches the whole group: the coordinator ends the others in order, by closing the channel.
  std::signal(SIGINT, SIG_IGN);
  LineChannel control(kControlFd);
  auto role = make_role(context.settings, options);
  Status told = control.write_line(role.ok() ? "ready" : error_line(role.error()));
  while (role.ok() && told.ok()) {
    auto line = control.read_line(std::chrono::hours(1));
    if (!line.ok()) break;
    auto answer = obey(**role, *line);
    told = control.write_line(answer.ok() ? *answer : error_line(answer.error()));
  }
  return role.ok() ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void add_bench_worker_command(Cli& cli) {
  CLI::App* worker = cli.root().add_subcommand("bench-worker", "A process of a benchmark")->group("");
  auto& options = cli.leaf<RoleOptions>(*worker, run_worker);
  worker->add_option("ROLE", options.role)->required();
  worker->add_option("--self", options.self);
  worker->add_option("--peer", options.peer);
  worker->add_option("--payload", options.payload_bytes);
}

}  // namespace mas::ctl
