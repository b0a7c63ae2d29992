// Starting, warming up, taking turns.
#include "sdk/bench/duel.h"

#include <algorithm>

#include "proto/base/ids.h"
#include "proto/wire/limits.h"
#include "sdk/masctl/cli/interrupt.h"

namespace mas::ctl {

namespace {

Duration seconds_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// A raw worker hears on the channel that an agent of its name would have.
std::string name_for(const Settings& settings, const WorkerPair::Spec& spec, const std::string& id) {
  return spec.side == "raw" ? settings.keys.channel(id) : id;
}

}  // namespace

Status check(const BenchOptions& options) {
  Error error{Errc::kInvalidArgument, ""};
  if (options.payload < kStampBytes || options.payload > limits::kEnvelopeBytes - 1024) {
    error.message = "--payload: expected " + std::to_string(kStampBytes) + " to " +
                    std::to_string(limits::kEnvelopeBytes - 1024) + " bytes";
  } else if (!(options.seconds > 0) || options.seconds > 3600) {
    error.message = "--seconds: expected more than 0 and at most 3600";
  } else if (!(options.warmup >= 0) || options.warmup > 60) {
    error.message = "--warmup: expected 0 to 60";
  } else if (options.rounds < 1 || options.rounds > 1000) {
    error.message = "--rounds: expected 1 to 1000";
  } else {
    return {};
  }
  return error;
}

Result<std::unique_ptr<WorkerPair>> WorkerPair::start(const Settings& settings, const Spec& spec, size_t payload) {
  std::unique_ptr<WorkerPair> pair(new WorkerPair);
  std::string id = "bench-" + new_instance_id().hex().substr(0, 8) + "-";
  std::string active = name_for(settings, spec, id + spec.active);
  std::string passive = name_for(settings, spec, id + spec.passive);
  WorkerSpec passive_spec{spec.side + "-" + spec.passive, passive, active, payload, -1};
  WorkerSpec active_spec{spec.side + "-" + spec.active, active, passive, payload, -1};
  if (spec.acks) {
    auto acks = AckPipe::open();
    if (!acks.ok()) return acks.error();
    pair->acks_ = std::move(*acks);
    passive_spec.ack_fd = pair->acks_->write_end();
    active_spec.ack_fd = pair->acks_->read_end();
  }
  auto started = WorkerProcess::start(settings, passive_spec);
  if (!started.ok()) return started.error();
  pair->passive_ = std::move(*started);
  started = WorkerProcess::start(settings, active_spec);
  if (!started.ok()) return started.error();
  pair->active_ = std::move(*started);
  return pair;
}

Result<WorkerPair::Rounds> WorkerPair::run(const RoundOrder& order) {
  Duration limit = order.time + std::chrono::seconds(30);
  Status told = passive_->send_line(order.to_line());
  if (!told.ok()) return told.error();
  auto active = active_->ask(order.to_line(), limit);
  if (!active.ok()) return active.error();
  auto passive = passive_->answer(limit);
  if (!passive.ok()) return passive.error();
  auto active_round = Round::from_line(*active);
  auto passive_round = Round::from_line(*passive);
  if (!active_round.ok()) return active_round.error();
  if (!passive_round.ok()) return passive_round.error();
  return Rounds{*active_round, *passive_round};
}

Status WorkerPair::use_envelope(const std::string& envelope) {
  for (auto* worker : {passive_.get(), active_.get()}) {
    auto answer = worker->ask("envelope " + envelope, std::chrono::seconds(10));
    if (!answer.ok()) return answer.error();
  }
  return {};
}

RoundOrder Duel::next_order(Duration time, uint64_t count, uint64_t rate) {
  return {++round_ & 0xffff, time, count == 0 ? UINT64_MAX - 1 : count, rate};
}

Result<std::unique_ptr<Duel>> Duel::start(const Settings& settings, const BenchOptions& options,
                                          const std::string& active, const std::string& passive, bool acks,
                                          const Progress& progress) {
  remember_interrupts();
  std::unique_ptr<Duel> duel(new Duel(options, progress));
  progress.show("starting");
  auto raw = WorkerPair::start(settings, {"raw", active, passive, acks}, options.payload);
  if (!raw.ok()) return raw.error();
  duel->raw_ = std::move(*raw);
  auto ours = WorkerPair::start(settings, {"agent", active, passive, acks}, options.payload);
  if (!ours.ok()) return ours.error();
  duel->ours_ = std::move(*ours);

  progress.show("warming up");
  // At least one message, whatever --warmup says: its envelope is what the raw side sends.
  RoundOrder warmup = duel->next_order(std::max(seconds_of(options.warmup), seconds_of(0.01)), 0, 0);
  auto warmed = duel->ours_->run(warmup);
  if (!warmed.ok()) return warmed.error();
  auto envelope = duel->ours_->sample();
  if (!envelope.ok()) return envelope.error();
  Status used = duel->raw_->use_envelope(*envelope);
  if (!used.ok()) return used.error();
  warmed = duel->raw_->run(warmup);
  if (!warmed.ok()) return warmed.error();
  return duel;
}

Result<std::vector<Duel::Exchange>> Duel::fight(uint64_t rate, unsigned rounds, Duration time,
                                                const std::string& what) {
  std::vector<Exchange> exchanges;
  uint64_t count = options_.count == 0 ? 0 : std::max<uint64_t>(1, options_.count / rounds);
  for (unsigned i = 0; i < rounds; ++i) {
    std::string title = what + ", round " + std::to_string(i + 1) + " of " + std::to_string(rounds) + ": ";
    RoundOrder order = next_order(time / rounds, count, rate);
    progress_.show(title + "libmas");
    auto ours = ours_->run(order);
    if (!ours.ok()) return ours.error();
    progress_.show(title + "raw");
    auto raw = raw_->run(order);
    if (!raw.ok()) return raw.error();
    exchanges.push_back({*ours, *raw});
  }
  return exchanges;
}

std::vector<Round> rounds_of(const std::vector<Duel::Exchange>& exchanges, Pick pick) {
  std::vector<Round> rounds;
  for (const auto& exchange : exchanges) rounds.push_back(pick(exchange));
  return rounds;
}

double median_ratio(const std::vector<Duel::Exchange>& exchanges, Pick ours, Pick raw, double (*value)(const Round&)) {
  std::vector<double> ratios;
  for (const auto& exchange : exchanges) {
    double ceiling = value(raw(exchange));
    if (ceiling > 0) ratios.push_back(value(ours(exchange)) / ceiling);
  }
  return median(std::move(ratios));
}

}  // namespace mas::ctl
