// Lease, subscription and index of mas-registryd.
#include "daemons/registryd/registryd.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"

namespace mas::registry {

Registryd::Registryd(common::Frame& frame, const Settings& settings)
    : frame_(frame),
      reconcile_interval_(settings.reconcile_interval),
      max_agents_(static_cast<size_t>(settings.max_agents)),
      profile_(settings.profile),
      stats_(frame.metrics()),
      channel_(frame.keys().system_channel()),
      lease_(frame.loop(), frame.redis(), frame.keys().lease("registryd"), frame.instance(), settings.lease_ttl, *this),
      subscriber_(frame.loop(), frame.redis_options("events"), *this),
      backoff_(std::chrono::milliseconds(250), std::chrono::seconds(10)),
      retry_timer_(frame.loop(), [this] { update(); }) {}

void Registryd::start() {
  subscriber_.subscribe(channel_);
  subscriber_.start();
}

void Registryd::on_redis_up() {
  // Once, before DAEMON_UP is published: what a killed process promised is no longer kept.
  if (!std::exchange(doubted_, true))
    IndexMarker::doubt(frame_.redis(), frame_.keys().index_ready(), frame_.instance());
  lease_.start();
  lease_.hurry();
  update();
}

void Registryd::on_redis_down() { update(); }

// Makes or ends the index as the conditions for it have come or gone.
void Registryd::update() {
  bool may = !draining_ && frame_.redis_up() && lease_.active() && subscriber_.subscribed(channel_);
  if (!may) return end_index();
  if (index_ || retry_timer_.armed()) return;
  if (Duration wait = builds_.wait(mono_now()); wait > Duration(0)) return retry_timer_.once(wait);
  builds_.begin(mono_now());
  IndexContext context{frame_.loop(), frame_.redis(), frame_.keys(), frame_.instance(),
                       frame_.log(),  stats_,         complaints_,   profile_};
  ActiveIndexListener& listener = *this;
  index_ = std::make_unique<ActiveIndex>(context, reconcile_interval_, max_agents_, listener);
}

void Registryd::end_index() {
  if (index_ && !index_->built()) builds_.end(mono_now());
  index_.reset();
  retry_timer_.stop();
}

void Registryd::on_lease_gained(common::Lease&) {
  frame_.log().info("active", {{"lease", lease_.key()}});
  update();
  frame_.beat();
}

void Registryd::on_lease_lost(common::Lease&, std::string_view why) {
  frame_.log().info("standby", {{"lease", lease_.key()}, {"why", why}});
  end_index();
  frame_.beat();
}

void Registryd::on_message(std::string_view, std::string_view payload) {
  Result<Event> event = decode_event(payload);
  if (!event.ok()) return stats_.events_malformed.add();
  stats_.event(event->type).add();
  // The active one may just have drained: take over at once.
  if (event->type == EventType::kDaemonDown && event->daemon == "registryd") lease_.hurry();
  if (!index_) return;
  if (event->type == EventType::kDaemonUp && event->daemon == "registryd") index_->on_doubted();
  index_->on_event(*event);
}

void Registryd::on_subscribed(std::string_view) {
  subscriber_problem_.reset();
  update();
}

void Registryd::on_subscriber_down(const Error& why, unsigned) {
  // While Redis is down for everybody the frame says so.
  if (frame_.redis_up() && subscriber_problem_.should_log(why.message, mono_now()))
    frame_.log().warn("subscription_lost", {{"channel", channel_}, {"error", why.message}});
  update();
}

void Registryd::on_subscriber_error(const Error& why) {
  if (subscriber_problem_.should_log(why.message, mono_now()))
    frame_.log().error("subscription_refused", {{"channel", channel_}, {"error", why.message}});
}

void Registryd::on_index_complete() {
  builds_.end(mono_now());
  backoff_.reset();
  index_problem_.reset();
  frame_.beat();
}

void Registryd::on_index_failed(const Error& why) {
  if (index_problem_.should_log(why.message, mono_now()))
    frame_.log().warn("index_lost", {{"error", why.message}, {"then", "it is built again"}});
  end_index();
  retry_timer_.once(std::max<Duration>(backoff_.next(random_u64()), builds_.wait(mono_now())));
}

common::Readiness Registryd::readiness() const {
  if (!active()) return {};
  if (!subscriber_.subscribed(channel_)) return {false, "not subscribed to " + channel_};
  if (index_ && index_->overfull()) return {false, "there are more agents than registry.max_agents"};
  if (!index_ || !index_->complete()) return {false, "the index is being built"};
  return {};
}

std::string_view Registryd::index_text() const {
  if (!active()) return "none";
  return index_ && index_->complete() ? "complete" : "building";
}

void Registryd::describe(JsonWriter& json) const {
  json.key("role").string(active() ? "active" : "standby");
  json.key("index").string(index_text());
  json.key("agents").unsigned_integer(index_ ? index_->agents() : 0);
  json.key("capabilities").unsigned_integer(index_ ? index_->capabilities() : 0);
}

void Registryd::collect() {
  stats_.active.set(active() ? 1 : 0);
  stats_.complete.set(index_ && index_->complete() ? 1 : 0);
  stats_.agents.set(index_ ? static_cast<double>(index_->agents()) : 0);
  stats_.capabilities.set(index_ ? static_cast<double>(index_->capabilities()) : 0);
}

void Registryd::reload(const common::Settings& next) {
  reconcile_interval_ = static_cast<const Settings&>(next).reconcile_interval;
  if (index_) index_->set_reconcile_interval(reconcile_interval_);
}

// The marker is withdrawn before the lease is given up, so that the next owner finds none.
void Registryd::drain() {
  draining_ = true;
  update();
  subscriber_.stop();
  lease_.release([this] { frame_.drained(); });
}

}  // namespace mas::registry
