// The lease and the subscription of the active process.
#include "daemons/common/active_role.h"

#include <utility>

#include "proto/wire/limits.h"

namespace mas::common {

ActiveRole::ActiveRole(Frame& frame, std::string daemon, Duration lease_ttl, ActiveRoleListener& listener)
    : frame_(frame),
      daemon_(std::move(daemon)),
      channel_(frame.keys().system_channel()),
      listener_(listener),
      lease_(frame.loop(), frame.redis(), frame.keys().lease(daemon_), frame.instance(), lease_ttl, *this),
      protocol_(frame, "this " + daemon_, [this] { on_protocol(); }),
      subscriptions_(frame, "events", Subscriptions::At::kOnePrimary, *this, limits::kEventBytes) {}

void ActiveRole::start() {
  subscriptions_.subscribe(channel_);
  subscriptions_.start();
}

void ActiveRole::on_redis_up() {
  subscriptions_.on_redis_up();
  if (protocol_.agreed()) lease_.renew_now();
  protocol_.start();
}

void ActiveRole::on_protocol() {
  if (leaving_) return;
  if (!protocol_.agreed()) return lease_.release();
  if (lease_.state() != Lease::State::kIdle) return;
  lease_.start();
  lease_.renew_now();
}

void ActiveRole::leave() {
  leaving_ = true;
  protocol_.stop();
  listener_.on_role_changed();
  subscriptions_.stop();
  lease_.release([this] { frame_.drained(); });
}

void ActiveRole::on_lease_gained(Lease&) {
  frame_.log().info("active", {{"lease", lease_.key()}});
  listener_.on_role_changed();
  frame_.beat();
}

void ActiveRole::on_lease_lost(Lease&, std::string_view why) {
  frame_.log().info("standby", {{"lease", lease_.key()}, {"why", why}});
  listener_.on_role_changed();
  frame_.beat();
}

void ActiveRole::on_message(std::string_view, std::string_view payload) {
  Result<Event> event = decode_event(payload);
  if (!event.ok()) return listener_.on_malformed_event();
  // The active process may just have drained: take over at once.
  if (event->type == EventType::kDaemonDown && event->daemon == daemon_) lease_.renew_now();
  listener_.on_event(*event);
}

void ActiveRole::on_subscribed(std::string_view) {
  subscriber_problem_.reset();
  listener_.on_events_heard();
}

void ActiveRole::on_subscriber_down(const Error& why, unsigned) {
  // While Redis is down for everybody the frame says so.
  if (frame_.redis_up() && subscriber_problem_.should_log(why.message, mono_now()))
    frame_.log().warn("subscription_lost", {{"channel", channel_}, {"error", why.message}});
  listener_.on_events_lost();
}

void ActiveRole::on_subscriber_error(const Error& why) {
  if (subscriber_problem_.should_log(why.message, mono_now()))
    frame_.log().error("subscription_refused", {{"channel", channel_}, {"error", why.message}});
}

}  // namespace mas::common
