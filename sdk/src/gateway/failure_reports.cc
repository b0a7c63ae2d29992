// Reports made, and made again.
#include "sdk/src/gateway/failure_reports.h"

#include <algorithm>
#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

constexpr Duration kAgain = std::chrono::seconds(1);
constexpr Duration kMuchLater = std::chrono::minutes(1);          // where the same would be refused again
constexpr size_t kReasonBytes = limits::kFailureReasonBytes - 3;  // where it is cut, "…" follows
constexpr Duration kFinestLook = std::chrono::milliseconds(20);

std::string key_of(const Id128& id) { return std::string(view_of(id.bytes)); }

}  // namespace

FailureReports::FailureReports(ModeHost& host, GatewayOutbox& outbox, Deliveries& deliveries, DedupeWindow& dedupe)
    : host_(host),
      outbox_(outbox),
      deliveries_(deliveries),
      dedupe_(dedupe),
      time_(host.loop(), [this] { on_time(); }),
      again_(host.loop(), [this] { send(); }) {}

/// A fifth of it, so that a handler has at most that much more.
void FailureReports::open() {
  const Duration patience = host_.context().config.handler_timeout;
  if (patience > Duration::zero()) time_.every(std::max(patience / 5, kFinestLook));
}

void FailureReports::on_time() { deliveries_.check_time(mono_now()); }

void FailureReports::send() {
  deliveries_.take_failed(taken_);
  const MonoTime now = mono_now();
  for (auto& failure : taken_) {
    dedupe_.forget(failure.share.key);  // it was not handled: it is no duplicate when it comes again
    waiting_.emplace(now, std::move(failure));
  }
  taken_.clear();
  for (; !waiting_.empty() && waiting_.begin()->first <= now; waiting_.erase(waiting_.begin())) {
    Failure& failure = waiting_.begin()->second;
    const Delivery& entry = *failure.share.delivery;
    const std::string reason = printable(failure.reason, kReasonBytes);
    FailureReport report{entry.lane, failure.share.index, 0, entry.id, reason};
    failure.handled += deliveries_.take_handled();
    report.handled = failure.handled;
    if (host_.context().keys.layout() == KeyLayout::kCluster) report.partition = partition_of_stream(entry.stream);
    Id128 id = new_instance_id();
    if (!outbox_.report(report, id)) return plan(now + kAgain);
    under_way_.emplace(key_of(id), std::move(failure));
  }
  plan(now);
}

void FailureReports::plan(MonoTime earliest) {
  if (waiting_.empty()) return;
  again_.once(std::max<Duration>(std::max(waiting_.begin()->first, earliest) - mono_now(), Duration::zero()));
}

void FailureReports::on_outcome(const Id128& id, const SendOutcome& outcome) {
  auto found = under_way_.find(key_of(id));
  if (found == under_way_.end()) return;
  Failure failure = std::move(found->second);
  under_way_.erase(found);
  if (outcome.status.ok()) return deliveries_.reported(failure);
  const bool of_the_report = outcome.decision == Decision::kMalformed || outcome.decision == Decision::kTooLarge;
  host_.context().debug("the gateway refused the report of a failed handler" +
                        std::string(of_the_report ? ", the message comes again at the next start: " : ": ") +
                        outcome.status.error().message);
  if (of_the_report) {
    host_.context().counters.reports_refused.add();
    return deliveries_.given_up(failure);
  }
  const MonoTime now = mono_now();
  waiting_.emplace(now + (errc_retriable(outcome.status.error().code) ? kAgain : kMuchLater), std::move(failure));
  plan(now);
}

void FailureReports::close() {
  time_.stop();
  again_.stop();
  waiting_.clear();
  under_way_.clear();
}

}  // namespace mas::sdk
