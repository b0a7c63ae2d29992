// The benchmarks as the command line knows them: their options, and the commands that bind them. Two programs have
// these commands: masctl, which starts the other (bench.cc), and masctl-bench, which measures (sdk/bench).
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

struct BenchOptions {
  size_t payload = 256;
  double seconds = 5;  ///< of measuring, per side
  uint64_t count = 0;  ///< messages per side at most; 0: as many as fit into the time
  double warmup = 1;   ///< seconds, per side
  unsigned rounds = 5;
};

struct P2pOptions {
  BenchOptions common;
  uint64_t rate = 1000;  ///< messages per second while latency is measured
};

struct RequestBenchOptions {
  BenchOptions common;
};

struct DiscoverOptions {
  uint64_t agents = 100'000;
  uint64_t count = 200;  ///< queries per kind
  bool force = false;    ///< also into a Redis that holds other data
};

struct StateOptions {
  BenchOptions common;
};

struct GatewayBenchOptions {
  BenchOptions common{.rounds = 3};
  size_t senders = 8, receivers = 8;
  size_t processes = 8;             ///< of senders, and of receivers, at most
  size_t fan_out = 8;               ///< receivers of each sender
  std::optional<size_t> in_flight;  ///< messages under way at most, when saturated
  uint64_t rate = 0;                ///< messages per second of all senders together; 0: saturated
  bool no_audit_check = false;
  std::string master_key;  ///< file; empty: the agents have tokens, and sign nothing

  /// Without a bound of its own, enough for each of many senders to have two full frames under way.
  size_t most_in_flight() const { return in_flight.value_or(std::max<size_t>(32'768, 128 * senders)); }
};

struct DlpBenchOptions {
  size_t size = 0;     ///< bytes of a payload; 0: 256, 1 KiB and 16 KiB
  double seconds = 2;  ///< for each side and size
  std::string rules;   ///< file; empty: the defaults
};

/// What each command does.
struct BenchRuns {
  Result<Document> (*p2p)(Context&, const P2pOptions&);
  Result<Document> (*request)(Context&, const RequestBenchOptions&);
  Result<Document> (*discover)(Context&, const DiscoverOptions&);
  Result<Document> (*state)(Context&, const StateOptions&);
  Result<Document> (*gateway)(Context&, const GatewayBenchOptions&);
  Result<Document> (*dlp)(Context&, const DlpBenchOptions&);
};

/// bench p2p, request, discover, state, gateway.
void add_bench_commands(Cli& cli, const BenchRuns& runs);
/// dlp bench. @param dlp the group `dlp`.
void add_dlp_bench_command(Cli& cli, Command& dlp, const BenchRuns& runs);
/// Binds --rules.
void add_rules_option(Command& command, std::string& rules);

}  // namespace mas::ctl
