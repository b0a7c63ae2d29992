// Role and watches of mas-healthd.
#include "daemons/healthd/healthd.h"

#include <utility>

namespace mas::health {

namespace {

constexpr Duration kClockPeriod = std::chrono::seconds(2);
constexpr size_t kKeyBytes = 4096;  // more than a heartbeat's key has

}  // namespace

KeyspaceHints::KeyspaceHints(common::Frame& frame, AgentWatch& watch)
    : frame_(frame),
      watch_(watch),
      expired_("__keyevent@" + std::to_string(frame.redis_options("hints").endpoint.db) + "__:expired"),
      set_("__keyevent@" + std::to_string(frame.redis_options("hints").endpoint.db) + "__:set"),
      subscriptions_(frame, "hints", common::Subscriptions::At::kEachPrimary, *this, kKeyBytes) {
  subscriptions_.subscribe(expired_);
  subscriptions_.subscribe(set_);
}

void KeyspaceHints::on_message(std::string_view channel, std::string_view payload) {
  watch_.on_key_event(payload, channel == expired_ ? Hint::kExpired : Hint::kBeat);
}

void KeyspaceHints::on_subscriber_error(const Error& why) {
  if (refused_) return;
  refused_ = true;
  frame_.log().info("keyspace_hints_refused", {{"error", why.message}, {"then", "healthd works without them"}});
}

Healthd::Healthd(common::Frame& frame, const Settings& settings)
    : frame_(frame),
      stats_(frame.metrics()),
      clock_(frame.redis(), [this] { on_clock_stepped(); }),
      role_(frame, "healthd", settings.lease_ttl, *this),
      agents_(WatchContext{frame.loop(), frame.redis(), frame.keys(), frame.log(), stats_, clock_, settings.profile},
              settings.liveness(), settings.scan_interval),
      daemons_(WatchContext{frame.loop(), frame.redis(), frame.keys(), frame.log(), stats_, clock_}),
      keyspace_(frame, agents_),
      outage_(mono_now()),
      clock_timer_(frame.loop(), [this] { clock_.ask(); }) {}

void Healthd::start() {
  role_.start();
  keyspace_.start();
  clock_timer_.every(kClockPeriod);
}

void Healthd::on_redis_up() {
  role_.on_redis_up();
  keyspace_.on_redis_up();
  const std::vector<redis::Node> primaries = frame_.redis().primaries();
  servers_.assign(primaries.size(), {});
  servers_due_ = primaries.size();
  for (size_t i = 0; i < primaries.size(); ++i) {
    Status sent = frame_.redis().send_to(primaries[i], redis::Command("INFO", "server"),
                                         redis::reply_to<&Healthd::on_server_info>(this, i));
    // A full queue on a new link: the link is dropped and made anew, which asks again.
    if (!sent.ok()) return frame_.redis().drop_links(sent.error());
  }
}

void Healthd::on_server_info(uint64_t server, const redis::Answer& answer) {
  if (!answer.ok()) return;  // the link is gone; the next one asks again
  if ((*answer)->is_text()) servers_[server] = parse_server_info((*answer)->text);
  if (--servers_due_ > 0) return;
  MonoTime now = mono_now();
  if (auto since = outage_.up(all_of(servers_), now)) give_grace(*since);
  server_known_ = true;
  update();
}

void Healthd::give_grace(MonoTime since) {
  stats_.outages.add();
  frame_.log().info("agents_have_grace", {{"redis_up_for_s", to_millis(mono_now() - since) / 1000}});
  agents_.redis_returned(since);
  daemons_.redis_returned(since);
}

/// Heartbeats ended before their time, and those who live write them again.
void Healthd::on_clock_stepped() {
  const MonoTime now = mono_now();
  frame_.log().warn("redis_clock_stepped", {{"then", "agents and daemons get time to renew their heartbeats"}});
  agents_.redis_returned(now);
  daemons_.redis_returned(now);
}

void Healthd::on_redis_down() {
  frame_.redis().forget(this);
  server_known_ = false;
  outage_.down(mono_now());
  update();
}

void Healthd::update() {
  if (server_known_ && role_.may_act()) {
    agents_.run();
    daemons_.run();
  } else {
    agents_.rest();
    daemons_.rest();
  }
}

void Healthd::on_writes_refused(const Error& why) {
  agents_.writes_refused();
  if (write_problem_.should_log(why.message, mono_now()))
    frame_.log().warn("writes_refused",
                      {{"error", why.message}, {"then", "agents get time to renew their heartbeats"}});
}

void Healthd::on_writes_accepted() {
  write_problem_.reset();
  give_grace(mono_now());
}

void Healthd::on_event(const Event& event) {
  if (role_.active()) agents_.on_event(event);
}

common::Readiness Healthd::readiness() const {
  if (!role_.obstacle().empty()) return {false, role_.obstacle()};
  if (role_.active() && !agents_.complete()) return {false, "the first scan of the registry is in progress"};
  return {};
}

void Healthd::describe(JsonWriter& json) const {
  const Liveness& agents = agents_.liveness();
  role_.describe(json);
  json.key("complete").boolean(role_.active() && agents_.complete());
  json.key("agents").begin_object();
  for (size_t i = 0; i < kAgentStates; ++i) {
    auto state = static_cast<AgentState>(i);
    json.key(agent_state_text(state)).unsigned_integer(role_.active() ? agents.count(state) : 0);
  }
  json.end_object();
}

void Healthd::collect() {
  stats_.active.set(role_.active() ? 1 : 0);
  common::Gauge* gauges[kAgentStates] = {&stats_.agents_unknown, &stats_.agents_waiting, &stats_.agents_active,
                                         &stats_.agents_inactive, &stats_.agents_suppressed};
  for (size_t i = 0; i < kAgentStates; ++i)
    gauges[i]->set(role_.active() ? static_cast<double>(agents_.liveness().count(static_cast<AgentState>(i))) : 0);
}

void Healthd::reload(const common::Settings& next) {
  const auto& settings = static_cast<const Settings&>(next);
  agents_.set_options(settings.liveness(), settings.scan_interval);
}

void Healthd::drain() {
  clock_timer_.stop();
  keyspace_.stop();
  role_.leave();
}

}  // namespace mas::health
