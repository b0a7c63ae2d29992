// The benchmarks, one function each: measure, and hand back what was measured. Their options:
// sdk/masctl/commands/bench_options.h.
#pragma once

#include <utility>

#include "sdk/bench/duel.h"
#include "sdk/masctl/commands/bench_options.h"

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

Result<Document> bench_p2p(Context& context, const P2pOptions& options);
Result<Document> bench_request(Context& context, const RequestBenchOptions& options);
Result<Document> bench_discover(Context& context, const DiscoverOptions& options);
Result<Document> bench_state(Context& context, const StateOptions& options);
Result<Document> bench_gateway(Context& context, const GatewayBenchOptions& options);
Result<Document> bench_dlp(Context& context, const DlpBenchOptions& options);

}  // namespace mas::ctl
