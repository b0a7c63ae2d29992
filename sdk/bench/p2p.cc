// `bench p2p`: one-way messages. Throughput as fast as it goes, then latency at a steady rate.
#include <cmath>

#include "sdk/bench/bench.h"

namespace mas::ctl {

namespace {

constexpr unsigned kLatencyRounds = 3;

const Round& ours_received(const Duel::Exchange& exchange) { return exchange.ours.passive; }
const Round& raw_received(const Duel::Exchange& exchange) { return exchange.raw.passive; }
const Round& raw_sent(const Duel::Exchange& exchange) { return exchange.raw.active; }
const Round& ours_sent(const Duel::Exchange& exchange) { return exchange.ours.active; }
double rate_of(const Round& round) { return round.per_second(); }

struct P2pResult {
  Summary ours, raw;                  // throughput
  Summary ours_latency, raw_latency;  // at the steady rate
  double ratio = 0;
  double ours_cpu[2] = {}, raw_cpu[2] = {};  // nanoseconds per message of sender and receiver
};

double cpu_per_message(const std::vector<Round>& rounds) {
  std::vector<double> values;
  for (const auto& round : rounds) {
    if (round.count > 0) values.push_back(static_cast<double>(round.cpu) / static_cast<double>(round.count));
  }
  return median(std::move(values));
}

Result<P2pResult> measure(const Settings& settings, const P2pOptions& options) {
  Progress progress;
  auto duel = Duel::start(settings, options.common, "sender", "receiver", true, progress);
  if (!duel.ok()) return duel.error();
  auto time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.common.seconds));
  auto saturated = (*duel)->fight(0, options.common.rounds, time, "throughput");
  if (!saturated.ok()) return saturated.error();
  auto steady = (*duel)->fight(options.rate, kLatencyRounds, time, "latency");
  if (!steady.ok()) return steady.error();

  P2pResult result;
  result.ours = summarize(rounds_of(*saturated, ours_received));
  result.raw = summarize(rounds_of(*saturated, raw_received));
  result.ratio = median_ratio(*saturated, ours_received, raw_received, rate_of);
  result.ours_latency = summarize(rounds_of(*steady, ours_received));
  result.raw_latency = summarize(rounds_of(*steady, raw_received));
  result.ours_cpu[0] = cpu_per_message(rounds_of(*saturated, ours_sent));
  result.ours_cpu[1] = cpu_per_message(rounds_of(*saturated, ours_received));
  result.raw_cpu[0] = cpu_per_message(rounds_of(*saturated, raw_sent));
  result.raw_cpu[1] = cpu_per_message(rounds_of(*saturated, raw_received));
  return result;
}

void write_cpu(JsonWriter& json, const char* key, const double (&nanos)[2]) {
  json.key(key).begin_object();
  json.key("sender").number(std::round(nanos[0]) / 1e3).key("receiver").number(std::round(nanos[1]) / 1e3);
  json.end_object();
}

void write_result(JsonWriter& json, const P2pOptions& options, const P2pResult& result) {
  json.begin_object().key("bench").string("p2p").key("payload_bytes").unsigned_integer(options.common.payload);
  json.key("messages").unsigned_integer(result.ours.count + result.ours_latency.count);
  json.key("throughput").number(result.ours.throughput).key("ceiling_raw").number(result.raw.throughput);
  json.key("ratio").number(result.ratio);
  json.key("lost").unsigned_integer(result.ours.lost + result.ours_latency.lost);
  json.key("doubled").unsigned_integer(result.ours.doubled + result.ours_latency.doubled);
  json.key("reordered").unsigned_integer(result.ours.reordered + result.ours_latency.reordered);
  json.key("latency_rate").unsigned_integer(options.rate);
  write_latency(json, "latency_us", result.ours_latency);
  write_latency(json, "raw_latency_us", result.raw_latency);
  write_cpu(json, "cpu_us_per_message", result.ours_cpu);
  write_cpu(json, "raw_cpu_us_per_message", result.raw_cpu);
  json.end_object();
}

void print_result(Output& out, const P2pOptions& options, const P2pResult& result) {
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.2f", result.ratio);
  out.line("one way, " + std::to_string(options.common.payload) + "-byte payload, 1 sender to 1 receiver");
  out.line("  libmas      " + grouped(result.ours.throughput) + " messages/s");
  out.line("  raw Redis   " + grouped(result.raw.throughput) + " messages/s, ratio " + ratio);
  out.line("  lost " + grouped(static_cast<double>(result.ours.lost + result.ours_latency.lost)) + ", reordered " +
           grouped(static_cast<double>(result.ours.reordered + result.ours_latency.reordered)) + ", doubled " +
           grouped(static_cast<double>(result.ours.doubled + result.ours_latency.doubled)) + ", of " +
           grouped(static_cast<double>(result.ours.count + result.ours_latency.count)));
  out.line("latency at " + grouped(static_cast<double>(options.rate)) + " messages/s");
  out.line("  libmas      " + latency_line(result.ours_latency));
  out.line("  raw Redis   " + latency_line(result.raw_latency));
}

}  // namespace

Result<Document> bench_p2p(Context& context, const P2pOptions& options) {
  Status checked = check(options.common);
  if (checked.ok() && (options.rate < 1 || options.rate > 1'000'000)) {
    checked = Error{Errc::kInvalidArgument, "--rate: expected 1 to 1000000"};
  }
  if (!checked.ok()) return checked.error();
  auto result = measure(context.settings, options);
  if (!result.ok()) return result.error();
  bool intact = result->ours.lost + result->ours_latency.lost + result->ours.doubled + result->ours.reordered == 0;
  return measured(options, std::move(*result), write_result, print_result)
      .exits_with(intact ? ExitCode::kOk : ExitCode::kFailed);
}

}  // namespace mas::ctl
