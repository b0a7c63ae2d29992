// Options and help of the benchmarks.
#include "sdk/masctl/commands/bench_options.h"

namespace mas::ctl {

namespace {

void add_common_options(Command& command, BenchOptions& options) {
  command.add_option("--payload", options.payload, "Size of the data in bytes. Default: 256")->type_name("BYTES");
  command.add_option("--seconds", options.seconds, "Measuring time per side. Default: 5")->type_name("SECONDS");
  command.add_option("--count", options.count, "Maximum number of messages per side. Default: limited by time only")
      ->type_name("N");
  command.add_option("--warmup", options.warmup, "Warm-up time per side, before measuring. Default: 1")
      ->type_name("SECONDS");
  command
      .add_option("--rounds", options.rounds, "Number of rounds; the sides alternate and share the time. Default: 5")
      ->type_name("N");
}

void add_gateway_bench(Cli& cli, Command& bench, const BenchRuns& runs) {
  Command* gateway = bench.add_subcommand("gateway", "The policy path: throughput, latency, and a ledger of messages");
  auto& options = cli.leaf<GatewayBenchOptions>(*gateway, runs.gateway);
  add_common_options(*gateway, options.common);
  gateway->add_option("--senders", options.senders, "Number of sending agents. Default: 8")->type_name("N");
  gateway->add_option("--receivers", options.receivers, "Number of receiving agents. Default: 8")->type_name("N");
  gateway
      ->add_option("--processes", options.processes,
                   "Number of processes for the senders, and of processes for the receivers. Default: 8")
      ->type_name("N");
  gateway
      ->add_option("--fan-out", options.fan_out, "Number of receivers that each sender sends to, in turn. Default: 8")
      ->type_name("N");
  gateway
      ->add_option("--rate", options.rate, "Messages per second of all senders together. Default: as many as possible")
      ->type_name("N");
  gateway
      ->add_option("--in-flight", options.in_flight,
                   "Without --rate: maximum number of messages in flight. Default: 128 per sender, at least 32768")
      ->type_name("N");
  gateway
      ->add_option("--master-key", options.master_key,
                   "File of the gateways' master key; agents then sign. Default: $MAS_MASTER_KEY_FILE; without it "
                   "agents use tokens")
      ->type_name("FILE")
      ->envname("MAS_MASTER_KEY_FILE");
  gateway->add_flag("--no-audit-check", options.no_audit_check, "Do not compare the audit log with what was delivered");
  gateway->footer(
      "Needs a running gateway; the agents are processes of this command. Its rounds alternate with rounds of the\n"
      "conventional design (one envelope per stream entry, see docs/PERFORMANCE.md), whose ceiling is what\n"
      "Redis's processor time allows. Fails when a message was lost, doubled, reordered, delivered without an\n"
      "audit record, or left without a receipt.\n"
      "Examples:\n"
      "  masctl bench gateway --seconds 10\n"
      "  masctl bench gateway --senders 1000 --receivers 1000 --json\n"
      "  masctl bench gateway --senders 1 --receivers 1 --rate 5000");
}

}  // namespace

void add_bench_commands(Cli& cli, const BenchRuns& runs) {
  Command& bench = cli.group("bench", "Benchmarks: libmas and plain Redis, measured in the same run");

  Command* p2p = bench.add_subcommand("p2p", "One-way messages: throughput, latency, lost and reordered messages");
  auto& p2p_options = cli.leaf<P2pOptions>(*p2p, runs.p2p);
  add_common_options(*p2p, p2p_options.common);
  p2p->add_option("--rate", p2p_options.rate, "Messages per second while latency is measured. Default: 1000")
      ->type_name("N");
  p2p->footer(
      "The ceiling is a pipelined PUBLISH loop with one subscriber over plain sockets, with the same bytes and\n"
      "flow control, in rounds that alternate with libmas's. Fails when a message was lost, doubled or reordered.\n"
      "Examples:\n"
      "  masctl bench p2p --seconds 10\n"
      "  masctl bench p2p --payload 4096 --json");

  Command* request = bench.add_subcommand("request", "Requests and their replies, one after the other: latency");
  auto& request_options = cli.leaf<RequestBenchOptions>(*request, runs.request);
  add_common_options(*request, request_options.common);
  request->footer("The ceiling is two publish-to-subscribe hops over plain sockets, with the same bytes.");

  Command* discover = bench.add_subcommand("discover", "Discovery in a large registry: latency by number of results");
  auto& discover_options = cli.leaf<DiscoverOptions>(*discover, runs.discover);
  discover->add_option("--agents", discover_options.agents, "Number of agents to load. Default: 100000")
      ->type_name("N");
  discover->add_option("--count", discover_options.count, "Number of queries of each kind. Default: 200")
      ->type_name("N");
  discover->add_flag("--force", discover_options.force, "Load the agents even if the database contains other data");
  discover->footer(
      "Loads agents into the registry and removes them at the end, also after Ctrl-C. If mas-registryd runs, it\n"
      "indexes them; otherwise the benchmark writes the index itself and says so.");

  Command* state = bench.add_subcommand("state", "Updates of an agent's state, one after the other");
  auto& state_options = cli.leaf<StateOptions>(*state, runs.state);
  add_common_options(*state, state_options.common);
  state->footer("The ceiling is HSET over a plain socket, with the same bytes.");

  add_gateway_bench(cli, bench, runs);
}

void add_rules_option(Command& command, std::string& rules) {
  command.add_option("--rules", rules, "The gateway's rules file (dlp.rules_file). Default: the built-in rules")
      ->type_name("FILE");
}

void add_dlp_bench_command(Cli& cli, Command& dlp, const BenchRuns& runs) {
  Command* bench = dlp.add_subcommand("bench", "Measure the engine and Python's re on the same payloads");
  auto& measured = cli.leaf<DlpBenchOptions>(*bench, runs.dlp);
  bench->add_option("--size", measured.size, "Size of a payload in bytes. Default: 256, 1024 and 16384 in turn")
      ->type_name("N");
  bench->add_option("--seconds", measured.seconds, "Measuring time per side and size. Default: 2")
      ->type_name("SECONDS");
  add_rules_option(*bench, measured.rules);
  bench->footer(
      "Payloads are generated JSON; a quarter of it contains findings. The engine's time includes parsing the\n"
      "JSON, matching and validation. Python applies fifteen patterns one after the other, as such scanners\n"
      "usually start out. Throughput is per second of processor time, and the median of three alternating rounds.");
}

}  // namespace mas::ctl
