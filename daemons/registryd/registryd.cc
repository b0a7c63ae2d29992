// Role and index of mas-registryd.
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
      role_(frame, "registryd", settings.lease_ttl, *this),
      backoff_(std::chrono::milliseconds(250), std::chrono::seconds(10)),
      retry_timer_(frame.loop(), [this] { update(); }) {}

void Registryd::start() { role_.start(); }

void Registryd::on_redis_up() {
  // Once, before DAEMON_UP is published: what a killed process promised is no longer kept.
  if (!std::exchange(doubted_, true))
    IndexMarker::doubt(frame_.redis(), frame_.keys().index_ready(), frame_.instance());
  role_.on_redis_up();
  update();
}

void Registryd::on_redis_down() { update(); }

// Makes or ends the index as the conditions for it have come or gone.
void Registryd::update() {
  keep_users();
  if (!role_.may_act() || !role_.hears_events()) return end_index();
  if (index_ || retry_timer_.armed()) return;
  if (Duration wait = builds_.wait(mono_now()); wait > Duration(0)) return retry_timer_.once(wait);
  builds_.begin(mono_now());
  IndexContext context{frame_.loop(), frame_.redis(), frame_.keys(), frame_.instance(),
                       frame_.log(),  stats_,         complaints_,   profile_};
  ActiveIndexListener& listener = *this;
  index_ = std::make_unique<ActiveIndex>(context, reconcile_interval_, max_agents_, listener);
}

void Registryd::keep_users() {
  if (!role_.may_act()) return users_.reset();
  if (users_) return;
  auto options = frame_.redis_options("users");
  // Users know no databases, and would be another system's there, too; masctl enrolls nobody in such a place.
  if (options.endpoint.db != 0 && frame_.keys().prefix().empty()) return;
  users_problem_.clear();
  UserKeeperListener& listener = *this;
  users_ = std::make_unique<UserKeeper>(frame_.loop(), frame_.redis(), frame_.keys(), std::move(options), frame_.log(),
                                        listener);
  users_->start();
}

void Registryd::on_users_kept(size_t users) {
  users_problem_.clear();
  user_count_ = users;
}

void Registryd::on_users_changed(size_t written, size_t removed) {
  stats_.users_written.add(written);
  stats_.users_removed.add(removed);
}

void Registryd::end_index() {
  if (index_ && !index_->built()) builds_.end(mono_now());
  index_.reset();
  retry_timer_.stop();
}

void Registryd::on_event(const Event& event) {
  stats_.event(event.type).add();
  if (!index_) return;
  if (event.type == EventType::kDaemonUp && event.daemon == "registryd") index_->on_doubted();
  index_->on_event(event);
}

void Registryd::on_index_complete() {
  builds_.end(mono_now());
  backoff_.reset();
  index_problem_.reset();
  frame_.beat();
}

void Registryd::on_index_failed(const Error& why) {
  if (index_problem_.should_log(why.message, mono_now()))
    frame_.log().warn("index_lost", {{"error", why.message}, {"then", "the index is being rebuilt"}});
  end_index();
  retry_timer_.once(std::max<Duration>(backoff_.next(random_u64()), builds_.wait(mono_now())));
}

common::Readiness Registryd::readiness() const {
  if (!role_.obstacle().empty()) return {false, role_.obstacle()};
  if (!role_.active()) return {};
  if (!users_problem_.empty()) return {false, "the users of Redis cannot be kept: " + users_problem_};
  if (users_ && !users_->settled()) return {false, "the users of Redis are being written"};
  if (!role_.hears_events()) return {false, "not subscribed to " + role_.channel()};
  if (index_ && index_->overfull()) return {false, "there are more agents than registry.max_agents"};
  if (!index_ || !index_->complete()) return {false, "the index is being built"};
  return {};
}

std::string_view Registryd::index_text() const {
  if (!role_.active()) return "none";
  return index_ && index_->complete() ? "complete" : "building";
}

void Registryd::describe(JsonWriter& json) const {
  role_.describe(json);
  json.key("index").string(index_text());
  json.key("agents").unsigned_integer(index_ ? index_->agents() : 0);
  json.key("users").unsigned_integer(users_ ? user_count_ : 0);
  json.key("capabilities").unsigned_integer(index_ ? index_->capabilities() : 0);
}

void Registryd::collect() {
  stats_.active.set(role_.active() ? 1 : 0);
  stats_.complete.set(index_ && index_->complete() ? 1 : 0);
  stats_.users.set(users_ ? static_cast<double>(user_count_) : 0);
  stats_.agents.set(index_ ? static_cast<double>(index_->agents()) : 0);
  stats_.capabilities.set(index_ ? static_cast<double>(index_->capabilities()) : 0);
}

void Registryd::reload(const common::Settings& next) {
  reconcile_interval_ = static_cast<const Settings&>(next).reconcile_interval;
  if (index_) index_->set_reconcile_interval(reconcile_interval_);
}

// The marker is withdrawn before the lease is given up, so that the next owner finds none.
void Registryd::drain() { role_.leave(); }

}  // namespace mas::registry
