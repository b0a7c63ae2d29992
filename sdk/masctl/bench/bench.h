// The benchmarks, one function each: measure, print, exit code. Their options and the common flags.
#pragma once

#include <algorithm>
#include <optional>

#include "sdk/masctl/bench/duel.h"
#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

struct P2pOptions {
  BenchOptions common;
  uint64_t rate = 1000;  ///< messages per second while latency is measured
};
ExitCode bench_p2p(Context& context, const P2pOptions& options);

struct RequestBenchOptions {
  BenchOptions common;
};
ExitCode bench_request(Context& context, const RequestBenchOptions& options);

struct DiscoverOptions {
  uint64_t agents = 100'000;
  uint64_t count = 200;  ///< queries per kind
  bool force = false;    ///< also into a Redis that holds other data
};
ExitCode bench_discover(Context& context, const DiscoverOptions& options);

struct StateOptions {
  BenchOptions common;
};
ExitCode bench_state(Context& context, const StateOptions& options);

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
ExitCode bench_gateway(Context& context, const GatewayBenchOptions& options);

}  // namespace mas::ctl
