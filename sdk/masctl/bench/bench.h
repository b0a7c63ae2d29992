// The benchmarks, one function each: measure, and hand back what was measured. Their options and the common flags.
#pragma once

#include <algorithm>
#include <optional>

#include "sdk/masctl/bench/duel.h"
#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

/// What a benchmark yields. @param json called as json(JsonWriter&, options, result). @param people called as
/// people(Output&, options, result).
template <typename Options, typename Measured, typename Json, typename People>
Document measured(const Options& options, Measured result, Json json, People people) {
  return Document::of(
      std::pair(options, std::move(result)),
      [json](JsonWriter& writer, const auto& both) { json(writer, both.first, both.second); },
      [people](Output& out, const auto& both) { people(out, both.first, both.second); });
}

struct P2pOptions {
  BenchOptions common;
  uint64_t rate = 1000;  ///< messages per second while latency is measured
};
Result<Document> bench_p2p(Context& context, const P2pOptions& options);

struct RequestBenchOptions {
  BenchOptions common;
};
Result<Document> bench_request(Context& context, const RequestBenchOptions& options);

struct DiscoverOptions {
  uint64_t agents = 100'000;
  uint64_t count = 200;  ///< queries per kind
  bool force = false;    ///< also into a Redis that holds other data
};
Result<Document> bench_discover(Context& context, const DiscoverOptions& options);

struct StateOptions {
  BenchOptions common;
};
Result<Document> bench_state(Context& context, const StateOptions& options);

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
Result<Document> bench_gateway(Context& context, const GatewayBenchOptions& options);

}  // namespace mas::ctl
