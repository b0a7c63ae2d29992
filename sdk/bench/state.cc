// `bench state`: updates of one field, one after the other, against HSET over a plain socket.
#include "proto/base/ids.h"
#include "proto/redis/command.h"
#include "sdk/bench/bench.h"
#include "sdk/bench/raw_link.h"
#include "sdk/masctl/agent/agent_handle.h"
#include "sdk/masctl/cli/interrupt.h"

namespace mas::ctl {

namespace {

constexpr const char* kField = "bench";

/// Runs `update` until the round is over; times each.
template <typename Update>
Result<Round> timed_round(const RoundOrder& order, Update update) {
  Histogram latency;
  Pace pace(order);
  MonoTime begin = mono_now();
  Round round;
  for (uint64_t now = 0; pace.next(round.count, now); ++round.count) {
    Status updated = update();
    if (!updated.ok()) return updated.error();
    if (interrupted()) return Error{Errc::kCancelled, "interrupted"};
    latency.record(static_cast<uint64_t>(mono_now().time_since_epoch().count()) - now);
  }
  round.elapsed = static_cast<uint64_t>((mono_now() - begin).count());
  round.take_percentiles(latency);
  return round;
}

class StateBench {
 public:
  StateBench(const Settings& settings, const StateOptions& options)
      : settings_(settings), options_(options), value_(options.common.payload, 'x') {}

  /// Starts the agent and the plain connection.
  Status start() {
    std::string id = "bench-" + new_instance_id().hex().substr(0, 8) + "-state";
    key_ = settings_.keys.state(id + "-raw");
    auto agent = AgentHandle::started(settings_, id);
    if (!agent.ok()) return agent.error();
    agent_ = std::make_unique<AgentHandle>(std::move(*agent));
    auto link = RawLink::open(settings_.endpoint);
    if (!link.ok()) return link.error();
    link_ = std::move(*link);
    return {};
  }

  Result<Round> ours(const RoundOrder& order) {
    return timed_round(order, [this] { return update_ours(); });
  }
  Result<Round> raw(const RoundOrder& order) {
    return timed_round(order, [this] { return update_raw(); });
  }

  /// Takes away what the benchmark wrote.
  Status clean() {
    if (!agent_ || !link_) return {};
    auto deleted = link_->call(redis::Command("DEL", key_).bytes());
    Status reset = as_status(mas_state_reset(agent_->get(), settings_.timeout_ms()));
    return deleted.ok() ? reset : Status(deleted.error());
  }

 private:
  Status update_ours() {
    mas_state_field field{kField, value_.c_str(), value_.size()};
    return as_status(mas_state_update(agent_->get(), &field, 1, settings_.timeout_ms()));
  }

  Status update_raw() {
    command_.clear();
    redis::append_command(command_, "HSET", key_, kField, value_);
    auto reply = link_->call(command_);
    return reply.ok() ? Status() : Status(reply.error());
  }

  const Settings& settings_;
  const StateOptions& options_;
  std::string value_;
  std::string key_;
  std::string command_;
  std::unique_ptr<AgentHandle> agent_;
  std::unique_ptr<RawLink> link_;
};

struct StateResult {
  Summary ours, raw;
  double ratio = 0;
};

Result<StateResult> measure(StateBench& bench, const BenchOptions& options) {
  Progress progress;
  std::vector<Round> ours, raw;
  std::vector<double> ratios;
  RoundOrder order;
  order.count = options.count == 0 ? UINT64_MAX - 1 : std::max<uint64_t>(1, options.count / options.rounds);
  order.time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.warmup / 2));
  auto warmed = bench.ours(order);
  if (warmed.ok()) warmed = bench.raw(order);
  if (!warmed.ok()) return warmed.error();
  order.time = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds / options.rounds));
  for (unsigned i = 0; i < options.rounds; ++i) {
    progress.show("state, round " + std::to_string(i + 1) + " of " + std::to_string(options.rounds));
    auto mine = bench.ours(order);
    if (!mine.ok()) return mine.error();
    auto theirs = bench.raw(order);
    if (!theirs.ok()) return theirs.error();
    ours.push_back(*mine);
    raw.push_back(*theirs);
    if (theirs->per_second() > 0) ratios.push_back(mine->per_second() / theirs->per_second());
  }
  return StateResult{summarize(ours), summarize(raw), median(std::move(ratios))};
}

void write_result(JsonWriter& json, const StateOptions& options, const StateResult& result) {
  json.begin_object().key("bench").string("state").key("payload_bytes").unsigned_integer(options.common.payload);
  json.key("updates").unsigned_integer(result.ours.count);
  json.key("throughput").number(result.ours.throughput).key("ceiling_raw").number(result.raw.throughput);
  json.key("ratio").number(result.ratio);
  write_latency(json, "latency_us", result.ours);
  write_latency(json, "raw_latency_us", result.raw);
  json.end_object();
}

void print_result(Output& out, const StateOptions& options, const StateResult& result) {
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.2f", result.ratio);
  out.line("state updates, one after the other, " + std::to_string(options.common.payload) + "-byte value");
  out.line("  libmas      " + latency_line(result.ours) + "   " + grouped(result.ours.throughput) + "/s");
  out.line("  raw HSET    " + latency_line(result.raw) + "   " + grouped(result.raw.throughput) + "/s, ratio " + ratio);
}

}  // namespace

Result<Document> bench_state(Context& context, const StateOptions& options) {
  Status ready = check(options.common);
  if (!ready.ok()) return ready.error();
  remember_interrupts();
  StateBench bench(context.settings, options);
  ready = bench.start();
  auto result = ready.ok() ? measure(bench, options.common) : Result<StateResult>(ready.error());
  Status cleaned = bench.clean();
  if (!cleaned.ok()) context.out.note("could not remove what the benchmark wrote: " + cleaned.error().message);
  if (!result.ok()) return result.error();
  return measured(options, std::move(*result), write_result, print_result);
}

}  // namespace mas::ctl
