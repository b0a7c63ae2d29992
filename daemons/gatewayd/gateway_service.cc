// Ownership of partitions: survey, plan, leases.
#include "daemons/gatewayd/gateway_service.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSurveyPeriod = 1s;
constexpr Duration kGrace = 3 * kSurveyPeriod;  // a healthy gateway sees a free partition within one period

}  // namespace

GatewayService::GatewayService(common::Frame& frame, const Settings& settings)
    : frame_(frame),
      lease_ttl_(settings.lease_ttl),
      partitioner_(frame.instance(), kGrace),
      survey_(frame.redis(), frame.keys(), [this](const Result<View>& result) { on_survey(result); }),
      partitions_(frame.metrics().gauge("partitions", "Partitions of the whole system.")),
      owned_(frame.metrics().gauge("partitions_owned", "Partitions whose lease this gateway holds.")),
      gateways_(frame.metrics().gauge("gateways", "Gateways with a heartbeat.")),
      suspected_(frame.metrics().gauge("gateways_suspected", "Gateways with a heartbeat that take no partition.")),
      gained_(frame.metrics().counter("partition_gains_total", "Leases gained.")),
      lost_(frame.metrics().counter("partition_losses_total", "Leases lost or given up.")),
      surveys_(frame.metrics().counter("surveys_total", "Looks at the shared state.", {{"result", "ok"}})),
      failed_surveys_(frame.metrics().counter("surveys_total", "Looks at the shared state.", {{"result", "failed"}})),
      timer_(frame.loop(), [this] { tick(); }) {}

void GatewayService::start() {
  frame_.log().warn("pipeline_absent", {{"what", "this version owns partitions and delivers nothing"}});
  timer_.every(kSurveyPeriod);
}

void GatewayService::on_redis_up() {
  for (auto& lease : leases_) lease->hurry();
  tick();
}

void GatewayService::on_redis_down() { survey_.cancel(); }  // leases end by their own clock

void GatewayService::tick() {
  if (ownership_changed_) announce_ownership();
  if (frame_.redis_up() && !draining_) survey_.start();
}

/// Once a period, not once per partition.
void GatewayService::announce_ownership() {
  ownership_changed_ = false;
  frame_.log().info("partitions_owned", {{"owned", owned()}, {"partitions", leases_.size()}});
  frame_.beat();
}

size_t GatewayService::owned() const {
  size_t count = 0;
  for (const auto& lease : leases_) count += lease->active() ? 1 : 0;
  return count;
}

void GatewayService::on_survey(const Result<View>& result) {
  if (draining_) return;
  (result.ok() ? surveys_ : failed_surveys_).add();
  if (!result) return result.error().code == Errc::kRefused ? refuse(result.error().message) : void();
  if (!leases_.empty() && result->owners.size() != leases_.size())
    return refuse("mas.config now has " + std::to_string(result->owners.size()) +
                  " partitions; this gateway works with " + std::to_string(leases_.size()) + " until it is restarted");
  if (!not_ready_.empty()) frame_.log().info("partitions_agreed", {{"partitions", result->owners.size()}});
  not_ready_.clear();
  repeat_.reset();
  make_leases(result->owners.size());
  follow(partitioner_.plan(*result, mono_now()));
  gateways_.set(static_cast<double>(result->gateways.size()));
}

/// Nothing that this gateway decided under another agreement would be right: it gives everything up.
void GatewayService::refuse(const std::string& why) {
  not_ready_ = why;
  if (repeat_.should_log(why, mono_now())) frame_.log().error("config_refused", {{"why", why}});
  follow(std::vector<bool>(leases_.size(), false));
}

void GatewayService::make_leases(size_t partitions) {
  for (auto p = static_cast<unsigned>(leases_.size()); p < partitions; ++p)
    leases_.push_back(std::make_unique<common::Lease>(frame_.loop(), frame_.redis(), frame_.keys().partition_lease(p),
                                                      frame_.instance(), lease_ttl_, *this));
}

void GatewayService::follow(const std::vector<bool>& mine) {
  for (size_t p = 0; p < leases_.size(); ++p) {
    common::Lease& lease = *leases_[p];
    if (mine[p])
      lease.start();
    else if (lease.state() == common::Lease::State::kStandby || lease.state() == common::Lease::State::kActive)
      lease.release();
  }
}

void GatewayService::on_lease_gained(common::Lease& lease) {
  ownership_changed_ = true;
  gained_.add();
  frame_.log().debug("partition_gained", {{"lease", lease.key()}});
}

void GatewayService::on_lease_lost(common::Lease& lease, std::string_view why) {
  ownership_changed_ = true;
  lost_.add();
  auto level = why == common::kLeaseReleased ? common::LogLevel::kDebug : common::LogLevel::kWarn;
  frame_.log().write(level, "partition_lost", {{"lease", lease.key()}, {"why", why}});
}

common::Readiness GatewayService::readiness() const { return {not_ready_.empty(), not_ready_}; }

void GatewayService::describe(JsonWriter& json) const {
  json.key("pipeline").string("absent");
  json.key("partitions").unsigned_integer(leases_.size());
  json.key("owned").begin_array();
  for (size_t p = 0; p < leases_.size(); ++p)
    if (leases_[p]->active()) json.unsigned_integer(p);
  json.end_array();
}

void GatewayService::collect() {
  partitions_.set(static_cast<double>(leases_.size()));
  owned_.set(static_cast<double>(owned()));
  suspected_.set(static_cast<double>(partitioner_.suspected()));
}

void GatewayService::reload(const common::Settings&) {}  // lease.ttl takes effect at start only

void GatewayService::drain() {
  draining_ = true;
  timer_.stop();
  survey_.cancel();
  releasing_ = leases_.size() + 1;
  for (auto& lease : leases_) lease->release([this] { on_released(); });
  on_released();
}

void GatewayService::on_released() {
  if (--releasing_ == 0) frame_.drained();
}

}  // namespace mas::gateway
