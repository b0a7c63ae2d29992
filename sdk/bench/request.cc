// `bench request`: one request after the other, each waiting for its answer, against two hops of plain sockets.
#include "sdk/bench/bench.h"

namespace mas::ctl {

namespace {

const Round& ours_asked(const Duel::Exchange& exchange) { return exchange.ours.active; }
const Round& raw_asked(const Duel::Exchange& exchange) { return exchange.raw.active; }
const Round& ours_answered(const Duel::Exchange& exchange) { return exchange.ours.passive; }
double p50_of(const Round& round) { return static_cast<double>(round.p50); }

struct RequestResult {
  Summary ours, raw, answered;
  double ratio = 0;  // of the p50s; below 1 would be faster than raw
};

Result<RequestResult> measure(const Settings& settings, const RequestBenchOptions& options) {
  Progress progress;
  auto duel = Duel::start(settings, options.common, "requester", "responder", false, progress);
  if (!duel.ok()) return duel.error();
  auto time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.common.seconds));
  auto exchanges = (*duel)->fight(0, options.common.rounds, time, "request/reply");
  if (!exchanges.ok()) return exchanges.error();
  RequestResult result;
  result.ours = summarize(rounds_of(*exchanges, ours_asked));
  result.raw = summarize(rounds_of(*exchanges, raw_asked));
  result.answered = summarize(rounds_of(*exchanges, ours_answered));
  result.ratio = median_ratio(*exchanges, ours_asked, raw_asked, p50_of);
  return result;
}

void write_result(JsonWriter& json, const RequestBenchOptions& options, const RequestResult& result) {
  json.begin_object().key("bench").string("request").key("payload_bytes").unsigned_integer(options.common.payload);
  json.key("messages").unsigned_integer(result.ours.count);
  json.key("throughput").number(result.ours.throughput).key("ceiling_raw").number(result.raw.throughput);
  json.key("ratio_p50").number(result.ratio);
  json.key("lost").unsigned_integer(result.answered.lost).key("doubled").unsigned_integer(result.answered.doubled);
  json.key("reordered").unsigned_integer(result.answered.reordered);
  write_latency(json, "latency_us", result.ours);
  write_latency(json, "raw_latency_us", result.raw);
  json.end_object();
}

void print_result(Output& out, const RequestBenchOptions& options, const RequestResult& result) {
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.2f", result.ratio);
  out.line("request and reply, one after the other, " + std::to_string(options.common.payload) + "-byte payload");
  out.line("  libmas      " + latency_line(result.ours) + "   " + grouped(result.ours.throughput) + "/s");
  out.line("  raw 2 hops  " + latency_line(result.raw) + "   " + grouped(result.raw.throughput) + "/s");
  out.line(std::string("  p50 is ") + ratio + " × two raw hops; lost " +
           grouped(static_cast<double>(result.answered.lost)) + " of " +
           grouped(static_cast<double>(result.ours.count)));
}

}  // namespace

Result<Document> bench_request(Context& context, const RequestBenchOptions& options) {
  Status checked = check(options.common);
  if (!checked.ok()) return checked.error();
  auto result = measure(context.settings, options);
  if (!result.ok()) return result.error();
  const ExitCode code = result->answered.lost == 0 ? ExitCode::kOk : ExitCode::kFailed;
  return measured(options, std::move(*result), write_result, print_result).exits_with(code);
}

}  // namespace mas::ctl
