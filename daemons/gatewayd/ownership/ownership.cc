// From surveys to leases.
#include "daemons/gatewayd/ownership/ownership.h"

#include <algorithm>
#include <utility>

namespace mas::gateway {
namespace {

constexpr Duration kGrace = 3 * Ownership::kSurveyPeriod;  // a healthy gateway sees a free partition within one period

}  // namespace

Ownership::Ownership(common::Frame& frame, Duration lease_ttl, OwnershipListener& listener)
    : frame_(frame),
      lease_ttl_(lease_ttl),
      listener_(listener),
      partitioner_(frame.instance(), kGrace),
      survey_(frame.redis(), frame.keys(), [this](const Result<View>& result) { on_survey(result); }),
      partitions_(frame.metrics().gauge("partitions", "Partitions of the whole system.")),
      owned_(frame.metrics().gauge("partitions_owned", "Partitions whose lease this gateway holds.")),
      gateways_(frame.metrics().gauge("gateways", "Gateways with a heartbeat.")),
      suspected_(frame.metrics().gauge("gateways_suspected", "Gateways with a heartbeat that take no partition.")),
      gained_(frame.metrics().counter("partition_gains_total", "Leases gained.")),
      lost_(frame.metrics().counter("partition_losses_total", "Leases lost or given up.")),
      surveys_(frame.metrics().counter("surveys_total", "Checks of the shared state.", {{"result", "ok"}})),
      failed_surveys_(frame.metrics().counter("surveys_total", "Checks of the shared state.", {{"result", "failed"}})) {
}

void Ownership::survey() {
  if (frame_.redis_up() && !stopped_) survey_.start();
}

void Ownership::on_redis_up() {
  for (auto& lease : leases_) lease->renew_now();
  survey();
}

void Ownership::on_survey(const Result<View>& result) {
  (result.ok() ? surveys_ : failed_surveys_).add();
  if (!result) return result.error().code == Errc::kRefused ? give_up(result.error().message) : void();
  const size_t count = result->owners.size();
  if (!leases_.empty() && count != leases_.size())
    return give_up("mas.config now has " + std::to_string(count) + " partitions; this gateway works with " +
                   std::to_string(leases_.size()) + " until it is restarted");
  if (!obstacle_.empty()) frame_.log().info("partitions_agreed", {{"partitions", count}});
  obstacle_.clear();
  repeat_.reset();
  make_leases(count);
  listener_.on_partitions(count);
  follow(partitioner_.plan(*result, mono_now()));
  gateways_.set(static_cast<double>(result->gateways.size()));
}

/// Nothing that this gateway decided under another agreement would be right: it gives everything up.
void Ownership::give_up(const std::string& why) {
  obstacle_ = why;
  if (repeat_.should_log(why, mono_now())) frame_.log().error("config_refused", {{"why", why}});
  follow(std::vector<bool>(leases_.size(), false));
}

void Ownership::make_leases(size_t partitions) {
  for (auto p = static_cast<unsigned>(leases_.size()); p < partitions; ++p)
    leases_.push_back(std::make_unique<common::Lease>(frame_.loop(), frame_.redis(), frame_.keys().partition_lease(p),
                                                      frame_.instance(), lease_ttl_, *this));
}

void Ownership::follow(const std::vector<bool>& mine) {
  for (size_t p = 0; p < leases_.size(); ++p) {
    common::Lease& lease = *leases_[p];
    if (mine[p])
      lease.start();
    else if (lease.state() == common::Lease::State::kStandby || lease.state() == common::Lease::State::kActive)
      lease.release();
  }
}

void Ownership::on_lease_gained(common::Lease& lease) {
  changed_ = true;
  listener_.on_ownership_changed();
  gained_.add();
  frame_.log().debug("partition_gained", {{"lease", lease.key()}});
}

void Ownership::on_lease_lost(common::Lease& lease, std::string_view why) {
  changed_ = true;
  listener_.on_ownership_changed();
  lost_.add();
  auto level = why == common::kLeaseReleased ? common::LogLevel::kDebug : common::LogLevel::kWarn;
  frame_.log().write(level, "partition_lost", {{"lease", lease.key()}, {"why", why}});
}

void Ownership::announce() {
  if (!std::exchange(changed_, false)) return;
  const auto mine = owned();
  frame_.log().info("partitions_owned",
                    {{"owned", std::count(mine.begin(), mine.end(), true)}, {"partitions", leases_.size()}});
  frame_.beat();
}

void Ownership::stop() {
  stopped_ = true;
  survey_.cancel();
}

void Ownership::release(std::function<void()> done) {
  released_ = std::move(done);
  releasing_ = leases_.size() + 1;
  for (auto& lease : leases_) lease->release([this] { on_released(); });
  on_released();
}

void Ownership::on_released() {
  if (--releasing_ == 0) std::exchange(released_, {})();
}

std::vector<bool> Ownership::owned() const {
  std::vector<bool> owned;
  for (const auto& lease : leases_) owned.push_back(lease->active());
  return owned;
}

void Ownership::describe(JsonWriter& json) const {
  json.key("partitions").unsigned_integer(leases_.size());
  json.key("owned").begin_array();
  for (size_t p = 0; p < leases_.size(); ++p)
    if (leases_[p]->active()) json.unsigned_integer(p);
  json.end_array();
}

void Ownership::collect() {
  const auto mine = owned();
  partitions_.set(static_cast<double>(leases_.size()));
  owned_.set(static_cast<double>(std::count(mine.begin(), mine.end(), true)));
  suspected_.set(static_cast<double>(partitioner_.suspected()));
}

}  // namespace mas::gateway
