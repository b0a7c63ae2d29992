// Starting, ordering, adding up.
#include "sdk/bench/gateway_fleet.h"

#include <algorithm>
#include <thread>

#include "sdk/masctl/cli/interrupt.h"
#include "sdk/masctl/cli/text.h"

namespace mas::ctl {

namespace {

constexpr Duration kAnswer = std::chrono::seconds(60);
constexpr Duration kGlance = std::chrono::milliseconds(100);
constexpr Duration kSilence = std::chrono::seconds(3);  // nothing arrived for so long: nothing more will

/// The agents of process number `index` of `processes`.
struct Slice {
  size_t first, count;
};
Slice slice_of(size_t agents, size_t processes, size_t index) {
  size_t begin = agents * index / processes, end = agents * (index + 1) / processes;
  return {begin, end - begin};
}

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::start(const Settings& settings, const FleetPlan& plan, const Progress& progress) {
  std::unique_ptr<Fleet> fleet(new Fleet(plan, progress));
  auto flow = FlowPage::create();
  if (!flow.ok()) return flow.error();
  fleet->flow_ = std::move(*flow);
  for (bool senders : {false, true}) {
    progress.show(senders ? "starting the senders" : "starting the receivers");
    Status started = fleet->start_side(settings, senders);
    if (!started.ok()) return started.error();
  }
  return fleet;
}

Status Fleet::start_side(const Settings& settings, bool senders) {
  Workers& workers = senders ? senders_ : receivers_;
  size_t agents = senders ? plan_.senders : plan_.receivers;
  size_t processes = std::min(plan_.processes, agents);
  WorkerSpec spec{senders ? "gateway-sender" : "gateway-receiver",
                  senders ? plan_.sender_prefix() : plan_.receiver_prefix(),
                  senders ? plan_.receiver_prefix() : plan_.sender_prefix(), plan_.payload, flow_->fd()};
  for (size_t i = 0; i < processes; ++i) {
    Slice slice = slice_of(agents, processes, i);
    size_t slot = senders ? receivers_.size() + i : i;
    spec.more = {"--slot",        std::to_string(slot),
                 "--first",       std::to_string(slice.first),
                 "--agents",      std::to_string(slice.count),
                 "--peers",       std::to_string(senders ? plan_.receivers : plan_.senders),
                 "--fan-out",     std::to_string(plan_.fan_out),
                 "--in-flight",   std::to_string(plan_.in_flight),
                 "--credentials", plan_.credentials};
    auto worker = WorkerProcess::spawn(settings, spec);
    if (!worker.ok()) return worker.error();
    workers.push_back(std::move(*worker));
  }
  for (auto& worker : workers) {
    auto ready = worker->answer(kAnswer);
    if (!ready.ok()) return ready.error();
  }
  return {};
}

void Fleet::show(const std::string& title) const {
  uint64_t sent = flow_->total_sent(), settled = std::min(sent, flow_->total_settled());
  progress_.show(title + ": " + grouped(static_cast<double>(sent)) + " sent, " +
                 grouped(static_cast<double>(sent - settled)) + " under way");
}

Result<Fleet::RoundTallies> Fleet::run(const RoundOrder& order, const std::string& title) {
  for (auto& receiver : receivers_) {
    auto told = receiver->ask("begin " + std::to_string(order.round), kAnswer);
    if (!told.ok()) return told.error();
  }
  RoundTallies outcome;
  uint64_t before = flow_->total_settled();
  auto sent = send(order, title);
  if (!sent.ok()) return sent.error();
  outcome.sent = std::move(*sent);
  wait_for_arrivals(before + outcome.sent.accepted + outcome.sent.refusals(), title);
  for (auto& receiver : receivers_) {
    auto line = receiver->ask("report", kAnswer);
    if (!line.ok()) return line.error();
    auto tally = ReceivedTally::from_line(*line);
    if (!tally.ok()) return tally.error();
    outcome.received.add(*tally);
  }
  return outcome;
}

Result<SentTally> Fleet::send(const RoundOrder& order, const std::string& title) {
  RoundOrder share = order;
  if (order.rate > 0) share.rate = std::max<uint64_t>(1, order.rate / senders_.size());
  for (auto& sender : senders_) {
    Status told = sender->send_line(share.to_line());
    if (!told.ok()) return told.error();
  }
  for (MonoTime end = mono_now() + order.time; mono_now() < end && !interrupted();) {
    show(title);
    std::this_thread::sleep_for(kGlance);
  }
  SentTally sum;
  for (auto& sender : senders_) {
    auto line = sender->answer(kAnswer);
    if (!line.ok()) return line.error();
    auto tally = SentTally::from_line(*line);
    if (!tally.ok()) return tally.error();
    sum.add(*tally);
  }
  return sum;
}

void Fleet::wait_for_arrivals(uint64_t expected, const std::string& title) {
  uint64_t seen = flow_->total_settled();
  for (MonoTime moved = mono_now(); seen < expected && mono_now() - moved < kSilence && !interrupted();) {
    show(title);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    uint64_t now = flow_->total_settled();
    if (now > seen) moved = mono_now();
    seen = now;
  }
}

}  // namespace mas::ctl
