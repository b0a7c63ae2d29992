// `bench gateway`: the policy path from many senders to many receivers, beside the conventional ceiling.
//
// Rounds of the conventional design and of the gateway take turns, since a machine's speed drifts; every pair of rounds
// gives a ratio, and the median counts. The ledger counts every message of every round.
#include <cmath>
#include <cstdio>

#include "proto/base/ids.h"
#include "sdk/bench/bench.h"
#include "sdk/bench/conventional.h"
#include "sdk/bench/cpu_meter.h"
#include "sdk/bench/gateway_actors.h"
#include "sdk/bench/gateway_audit.h"
#include "sdk/bench/gateway_counters.h"
#include "sdk/bench/gateway_fleet.h"
#include "sdk/bench/redis_usage.h"
#include "sdk/masctl/cli/interrupt.h"
#include "sdk/masctl/redis/gateway_reader.h"

namespace mas::ctl {

namespace {

constexpr Duration kMaxConventional = std::chrono::seconds(1);  // per round: its figure settles fast

Duration seconds_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// One pair of rounds.
struct Exchange {
  ConventionalCeiling conventional;
  Fleet::RoundTallies gateway;
  RedisUsage redis;
  std::optional<GatewayCounters> counters;  ///< nullopt: their /metrics cannot be reached from here
  uint64_t gateway_cpu = 0;                 ///< nanoseconds, of all gateways on this machine
  bool gateways_here = true;

  uint64_t delivered() const { return gateway.received.arrivals - gateway.received.doubled; }
  double throughput() const {
    uint64_t elapsed = gateway.received.last - gateway.received.first;
    return elapsed == 0 ? 0 : static_cast<double>(delivered()) * 1e9 / static_cast<double>(elapsed);
  }
};

/// The gateways that serve this Redis. @return kNotReady-like error when there is none.
Result<GatewayView> find_gateways(const Settings& settings) {
  SyncRedis redis(settings);
  auto view = read_gateways(redis, settings.keys);
  if (view.ok() && view->gateways.empty()) {
    return Error{Errc::kUnavailable, "no gateway serves this Redis; start mas-gatewayd, or use ./dev bench gateway"};
  }
  return view;
}

class GatewayBench {
 public:
  GatewayBench(const Settings& settings, const GatewayBenchOptions& options) : settings_(settings), options_(options) {}

  Status run() {
    remember_interrupts();
    auto view = find_gateways(settings_);
    if (!view.ok()) return view.error();
    for (const auto& gateway : view->gateways) {
      pids_.push_back(static_cast<pid_t>(gateway.pid));
      http_.push_back(gateway.http);
    }
    auto link = RawLink::open(settings_.endpoint);
    if (!link.ok()) return link.error();
    link_ = std::move(*link);
    auto master = master_key();
    if (!master.ok()) return master.error();
    plan_ = make_plan();
    GatewayActors actors(settings_, plan_);
    Status status = actors.create(*master ? &**master : nullptr);
    if (!status.ok()) return status;
    plan_.credentials = actors.credentials();
    signed_ = master->has_value();
    return run_fleet(static_cast<unsigned>(view->partitions.size()));
  }

  const std::vector<Exchange>& exchanges() const { return exchanges_; }
  bool signs() const { return signed_; }
  /// Delivered messages without a record of their own in the audit; nullopt: not looked at.
  std::optional<uint64_t> unaudited() const { return unaudited_; }

 private:
  Result<std::optional<MasterKey>> master_key() const {
    if (options_.master_key.empty()) return std::optional<MasterKey>();
    auto key = MasterKey::read(options_.master_key);
    if (!key.ok()) return key.error().in("--master-key");
    return std::optional<MasterKey>(std::move(*key));
  }

  Status run_fleet(unsigned partitions) {
    AuditReading audit(settings_, plan_.sender_prefix());
    if (!options_.no_audit_check) {
      Status marked = audit.mark(partitions);
      if (!marked.ok()) return marked;
    }
    auto fleet = Fleet::start(settings_, plan_, progress_);
    if (!fleet.ok()) return fleet.error();
    Status status = run_rounds(**fleet);
    fleet->reset();  // ends the agents, before what Redis knows of them is removed
    if (!status.ok() || options_.no_audit_check) return status;
    progress_.show("reading the audit");
    auto count = audit.count();
    if (!count.ok()) return count.error();
    unaudited_ = difference(*count);
    return {};
  }

  uint64_t difference(const AuditCount& audited) const {
    if (audited.accepted != delivered_)
      return std::max(audited.accepted, delivered_) - std::min(audited.accepted, delivered_);
    return audited.ids == ids_ ? 0 : 1;  // as many, but not the same ones
  }

  FleetPlan make_plan() const {
    FleetPlan plan;
    plan.prefix = "bench-" + new_instance_id().hex().substr(0, 8) + "-";
    plan.senders = options_.senders;
    plan.receivers = options_.receivers;
    plan.processes = options_.processes;
    plan.fan_out = std::min(options_.fan_out, options_.receivers);
    plan.payload = options_.common.payload;
    plan.in_flight = options_.most_in_flight();
    return plan;
  }

  Status run_rounds(Fleet& fleet) {
    RoundOrder order{++round_, seconds_of(std::max(options_.common.warmup, 0.01)), UINT64_MAX - 1, options_.rate};
    auto warmed = fleet.run(order, "warming up");
    if (!warmed.ok()) return warmed.error();
    remember(*warmed);
    if (warmed->sent.unknown > 0) return no_receipts(*warmed);
    for (unsigned i = 0; i < options_.common.rounds; ++i) {
      Status status = run_pair(fleet, i);
      if (!status.ok()) return status;
    }
    return {};
  }

  /// They may still come, and would be counted with the next round.
  static Status no_receipts(const Fleet::RoundTallies& outcome) {
    return Error{Errc::kTimeout, std::to_string(outcome.sent.unknown) + " messages had no receipt after 20 s"};
  }

  Status run_pair(Fleet& fleet, unsigned i) {
    std::string title = "round " + std::to_string(i + 1) + " of " + std::to_string(options_.common.rounds);
    Duration time = seconds_of(options_.common.seconds / options_.common.rounds);
    Exchange exchange;
    progress_.show(title + ": the conventional design");
    auto conventional = measure_conventional(settings_, options_.common.payload, std::min(time, kMaxConventional));
    if (!conventional.ok()) return conventional.error();
    exchange.conventional = *conventional;

    uint64_t count = options_.common.count == 0 ? UINT64_MAX - 1 : options_.common.count / options_.common.rounds;
    auto before = look_at_redis(*link_);
    if (!before.ok()) return before.error();
    auto counted = read_counters(http_);
    uint64_t gateway_cpu = gateways_cpu(exchange);
    auto outcome = fleet.run({++round_, time, count, options_.rate}, title);
    if (!outcome.ok()) return outcome.error();
    auto after = look_at_redis(*link_);
    if (!after.ok()) return after.error();
    remember(*outcome);
    exchange.gateway = std::move(*outcome);
    exchange.redis = *after - *before;
    auto counters = read_counters(http_);
    if (counted && counters) exchange.counters = *counters - *counted;
    exchange.gateway_cpu = gateways_cpu(exchange) - gateway_cpu;
    exchanges_.push_back(std::move(exchange));
    if (exchanges_.back().gateway.sent.unknown > 0 && exchanges_.size() < options_.common.rounds)
      return no_receipts(exchanges_.back().gateway);
    return interrupted() ? Status(Error{Errc::kCancelled, "interrupted"}) : Status();
  }

  /// The audit is compared with all rounds, the one for warming up included.
  void remember(const Fleet::RoundTallies& outcome) {
    delivered_ += outcome.received.arrivals - outcome.received.doubled;
    ids_ += outcome.received.ids;
  }

  uint64_t gateways_cpu(Exchange& exchange) const {
    uint64_t sum = 0;
    for (pid_t pid : pids_) {
      auto cpu = cpu_nanos_of(pid);
      if (!cpu) exchange.gateways_here = false;
      sum += cpu.value_or(0);
    }
    return sum;
  }

  const Settings& settings_;
  const GatewayBenchOptions& options_;
  Progress progress_;
  std::vector<pid_t> pids_;
  std::vector<std::string> http_;
  std::unique_ptr<RawLink> link_;
  std::vector<Exchange> exchanges_;
  FleetPlan plan_;
  uint32_t round_ = 0;
  uint64_t delivered_ = 0, ids_ = 0;
  bool signed_ = false;
  std::optional<uint64_t> unaudited_;
};

/// What all rounds come to.
struct GatewayResult {
  Ledger ledger;
  std::map<Decision, uint64_t> refused;
  Summary latency;
  double throughput = 0, ceiling = 0, ratio = 0;
  double redis_cpu = 0, conventional_cpu = 0, gateway_cpu = 0, sender_cpu = 0, receiver_cpu = 0;  // µs per message
  double per_frame = 0, per_turn = 0, per_entry = 0;                                              // messages
  double round_trips = 0;                                                                         // per message
  bool gateways_here = true, counted = true;
  bool signs = false, audited = false;
};

double per(double amount, double of) { return of == 0 ? 0 : amount / of; }

GatewayResult evaluate(const std::vector<Exchange>& exchanges) {
  GatewayResult result;
  Histogram latency;
  RedisUsage redis;
  GatewayCounters counters;
  std::vector<double> rates, ceilings, ratios, conventional;
  uint64_t gateway_cpu = 0, sender_cpu = 0, receiver_cpu = 0;
  for (const auto& exchange : exchanges) {
    result.ledger.add(ledger_of(exchange.gateway.sent, exchange.gateway.received));
    for (const auto& [decision, count] : exchange.gateway.sent.refused) result.refused[decision] += count;
    latency.merge(exchange.gateway.received.latency);
    rates.push_back(exchange.throughput());
    ceilings.push_back(exchange.conventional.per_second());
    conventional.push_back(exchange.conventional.cpu_us_per_message());
    ratios.push_back(per(exchange.throughput(), exchange.conventional.per_second()));
    redis += exchange.redis;
    counters += exchange.counters.value_or(GatewayCounters());
    result.counted = result.counted && exchange.counters;
    gateway_cpu += exchange.gateway_cpu;
    sender_cpu += exchange.gateway.sent.cpu;
    receiver_cpu += exchange.gateway.received.cpu;
    result.gateways_here = result.gateways_here && exchange.gateways_here;
  }
  auto delivered = static_cast<double>(result.ledger.delivered);
  auto micros = [&](uint64_t nanos) { return per(static_cast<double>(nanos) / 1e3, delivered); };
  result.throughput = median(std::move(rates));
  result.ceiling = median(std::move(ceilings));
  result.ratio = median(std::move(ratios));
  result.conventional_cpu = median(std::move(conventional));
  result.redis_cpu = micros(redis.cpu);
  result.gateway_cpu = micros(gateway_cpu);
  result.sender_cpu = micros(sender_cpu);
  result.receiver_cpu = micros(receiver_cpu);
  result.per_frame = per(delivered, static_cast<double>(redis.frames));
  auto messages = static_cast<double>(counters.messages);
  result.per_turn = per(messages, static_cast<double>(counters.turns));
  result.per_entry = per(messages, static_cast<double>(counters.entries));
  result.round_trips = per(static_cast<double>(counters.round_trips), messages);
  Round all;
  all.take_percentiles(latency);
  result.latency = summarize({all});
  return result;
}

double rounded(double value) { return std::round(value * 100) / 100; }

void write_ledger(JsonWriter& json, const GatewayResult& result) {
  const Ledger& ledger = result.ledger;
  json.key("sent").unsigned_integer(ledger.sent).key("accepted").unsigned_integer(ledger.accepted);
  json.key("delivered").unsigned_integer(ledger.delivered);
  json.key("refused").begin_object();
  for (const auto& [decision, count] : result.refused) {
    json.key(decision_text(decision)).unsigned_integer(count);
  }
  json.end_object().key("unknown").unsigned_integer(ledger.unknown);
  json.key("lost").unsigned_integer(ledger.lost).key("stray").unsigned_integer(ledger.stray);
  json.key("doubled").unsigned_integer(ledger.doubled).key("reordered").unsigned_integer(ledger.reordered);
  json.key("unaudited");
  result.audited ? json.unsigned_integer(ledger.unaudited) : json.null();
}

void write_result(JsonWriter& json, const GatewayBenchOptions& options, const GatewayResult& result) {
  json.begin_object().key("bench").string("gateway").key("payload_bytes").unsigned_integer(options.common.payload);
  json.key("senders").unsigned_integer(options.senders).key("receivers").unsigned_integer(options.receivers);
  json.key("fan_out").unsigned_integer(options.fan_out).key("rate").unsigned_integer(options.rate);
  json.key("throughput").number(std::round(result.throughput));
  json.key("ceiling_conventional").number(std::round(result.ceiling)).key("ratio").number(rounded(result.ratio));
  write_ledger(json, result);
  write_latency(json, "latency_us", result.latency);
  json.key("redis_cpu_us_per_message").number(rounded(result.redis_cpu));
  json.key("conventional_redis_cpu_us_per_message").number(rounded(result.conventional_cpu));
  json.key("cpu_us_per_message").begin_object();
  if (result.gateways_here) json.key("gateway").number(rounded(result.gateway_cpu));
  json.key("sender").number(rounded(result.sender_cpu)).key("receiver").number(rounded(result.receiver_cpu));
  json.end_object();
  json.key("messages_per").begin_object().key("frame").number(rounded(result.per_frame));
  if (result.counted) json.key("turn").number(rounded(result.per_turn)).key("entry").number(rounded(result.per_entry));
  json.end_object();
  if (result.counted) json.key("round_trips_per_message").number(std::round(result.round_trips * 1e5) / 1e5);
  json.end_object();
}

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string count_of(uint64_t number) { return grouped(static_cast<double>(number)); }

void print_result(Output& out, const GatewayBenchOptions& options, const GatewayResult& result) {
  const Ledger& ledger = result.ledger;
  out.line("gateway, " + std::to_string(options.common.payload) + "-byte payload, " + std::to_string(options.senders) +
           " senders to " + std::to_string(options.receivers) + " receivers" +
           (options.rate > 0 ? ", " + count_of(options.rate) + " messages/s" : ", saturated") +
           (result.signs ? ", signed" : ", by tokens"));
  out.line("  throughput     " + grouped(result.throughput) + " messages/s");
  out.line("  conventional   " + grouped(result.ceiling) + " messages/s at most (" + decimal(result.conventional_cpu) +
           " µs of Redis per message), ratio " + decimal(result.ratio));
  out.line("  ledger         " + count_of(ledger.sent) + " sent, " + count_of(ledger.accepted) + " accepted, " +
           count_of(ledger.refused) + " refused, " + count_of(ledger.delivered) + " delivered");
  for (const auto& [decision, count] : result.refused) {
    out.line("                 refused: " + std::string(decision_text(decision)) + " " + count_of(count));
  }
  out.line("                 lost " + count_of(ledger.lost) + ", stray " + count_of(ledger.stray) + ", doubled " +
           count_of(ledger.doubled) + ", reordered " + count_of(ledger.reordered) + ", unaudited " +
           (result.audited ? count_of(ledger.unaudited) : "(not checked)") + ", without a receipt " +
           count_of(ledger.unknown));
  out.line("  latency        " + latency_line(result.latency));
  out.line("  CPU, µs per message: Redis " + decimal(result.redis_cpu) + ", gateway " +
           (result.gateways_here ? decimal(result.gateway_cpu) : "(on another machine)") + ", sender " +
           decimal(result.sender_cpu) + ", receiver " + decimal(result.receiver_cpu));
  std::string sizes = "  messages per ingress frame " + decimal(result.per_frame);
  if (result.counted)
    sizes += ", per turn " + decimal(result.per_turn) + ", per stream entry " + decimal(result.per_entry);
  out.line(sizes);
}

Status check(const GatewayBenchOptions& options) {
  Status checked = mas::ctl::check(options.common);
  if (!checked.ok()) return checked;
  auto outside = [](size_t value, size_t most) { return value < 1 || value > most; };
  if (outside(options.senders, 10'000)) return Error{Errc::kInvalidArgument, "--senders: expected 1 to 10000"};
  if (outside(options.receivers, 10'000)) return Error{Errc::kInvalidArgument, "--receivers: expected 1 to 10000"};
  if (outside(options.processes, 64)) return Error{Errc::kInvalidArgument, "--processes: expected 1 to 64"};
  if (outside(options.fan_out, 10'000)) return Error{Errc::kInvalidArgument, "--fan-out: expected 1 to 10000"};
  if (options.most_in_flight() < 64) return Error{Errc::kInvalidArgument, "--in-flight: expected at least 64"};
  if (options.rate > 10'000'000) return Error{Errc::kInvalidArgument, "--rate: expected at most 10000000"};
  return {};
}

}  // namespace

Result<Document> bench_gateway(Context& context, const GatewayBenchOptions& options) {
  Status checked = check(options);
  if (!checked.ok()) return checked.error();
  GatewayBench bench(context.settings, options);
  Status ran = bench.run();
  if (!ran.ok()) return ran.error();
  GatewayResult result = evaluate(bench.exchanges());
  result.signs = bench.signs();
  result.audited = bench.unaudited().has_value();
  result.ledger.unaudited = bench.unaudited().value_or(0);
  const ExitCode code = result.ledger.intact() ? ExitCode::kOk : ExitCode::kFailed;
  return measured(options, std::move(result), write_result, print_result).exits_with(code);
}

}  // namespace mas::ctl
