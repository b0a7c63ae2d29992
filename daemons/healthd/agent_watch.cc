// Ticks, walks and hints.
#include "daemons/healthd/agent_watch.h"

#include "proto/base/ids.h"

namespace mas::health {

namespace {

// Room that a page of the walk may need among the agents that were never looked at.
constexpr size_t kPageRoom = 5'000;
constexpr std::string_view kInstancesTail = ":instances";

}  // namespace

AgentWatch::AgentWatch(const WatchContext& context, const LivenessOptions& options, Duration scan_interval)
    : context_(context),
      scan_interval_(scan_interval),
      liveness_(options),
      look_(context.redis, context.keys, liveness_, context.stats, context.clock, *this),
      scan_(context.loop, context.redis, *this),
      tick_timer_(context.loop, [this] { tick(); }),
      more_timer_(context.loop, [this] { tick(); }),
      walk_timer_(context.loop, [this] { walk(); }) {}

void AgentWatch::set_options(const LivenessOptions& options, Duration scan_interval) {
  liveness_.set_options(options);
  scan_interval_ = scan_interval;
  // A shorter interval counts from now, not from the end of the longer one.
  if (running_ && scan_.idle()) plan_walk(scan_interval);
}

void AgentWatch::run() {
  if (running_) return;
  running_ = true;
  walks_ = 0;
  liveness_.review(mono_now());
  tick_timer_.every(TimingWheel::kSlot);
  walk();
}

void AgentWatch::rest() {
  if (!running_) return;
  running_ = false;
  page_held_ = false;
  tick_timer_.stop();
  more_timer_.stop();
  walk_timer_.stop();
  scan_.cancel();
  look_.cancel();
}

// ---- looks

void AgentWatch::tick() {
  if (page_held_ && liveness_.count(AgentState::kUnknown) < kPageRoom) {
    page_held_ = false;
    scan_.next();
  }
  MonoTime now = mono_now();
  if (!look_.idle() || looks_.wait(now) > Duration(0)) return;
  std::vector<AgentRef> due;
  liveness_.take_due(now, LookOp::kBatch, due);
  if (due.empty()) return;
  looks_.begin(now);
  Status sent = look_.start(std::move(due));
  if (!sent.ok() && look_problem_.should_log(sent.error().message, mono_now()))
    context_.log.warn("look_failed", {{"error", sent.error().message}});
}

void AgentWatch::on_looked(const Status& status) {
  if (!status.ok() && look_problem_.should_log(status.error().message, mono_now()))
    context_.log.warn("look_failed", {{"error", status.error().message}});
  MonoTime now = mono_now();
  looks_.end(now);
  // On with a backlog as soon as may be; after an error only at the next tick.
  if (status.ok()) more_timer_.once(looks_.wait(now));
}

void AgentWatch::on_flapping(const std::string& id) {
  context_.stats.flapping.add();
  context_.log.warn("agent_flapping", {{"agent", id}, {"then", "held INACTIVE until it is stable"}});
  std::string event = agent_event(EventType::kAgentFlapping, id, "held INACTIVE until it is stable", wall_now());
  (void)context_.redis.send(redis::Command("PUBLISH", context_.keys.system_channel(), event), {});
}

void AgentWatch::on_unreadable(const std::string& id, const std::string& why) {
  if (complaints_.worth_a_line(id, why, mono_now()))
    context_.log.warn("entry_not_watched", {{"agent", printable(id)}, {"reason", why}});
}

// ---- walks

void AgentWatch::walk() {
  dropped_ = false;
  asked_walks_.begin(mono_now());
  using Pace = common::KeyScanOp::Pace;
  scan_.walk_keys(context_.keys.agent_scan_pattern(), "hash", complete() ? Pace::kGentle : Pace::kQuick);
}

void AgentWatch::on_scan_page(const std::vector<std::string_view>& names) {
  MonoTime now = mono_now();
  for (std::string_view name : names) learn(context_.keys.agent_id_of_key(name), now);
  page_held_ = liveness_.count(AgentState::kUnknown) >= kPageRoom;
  if (!page_held_) scan_.next();
}

void AgentWatch::learn(std::string_view id, MonoTime now) {
  if (!common::is_agent(context_.profile, id)) return;
  // The instances of a known agent are no agent; without this every walk would look at each of them.
  bool sub_key = id.ends_with(kInstancesTail) && liveness_.knows(id.substr(0, id.size() - kInstancesTail.size()));
  if (!sub_key && !liveness_.learn(id, now)) context_.stats.dropped.add();
}

void AgentWatch::on_scan_left_out(const Error& why) { on_unreadable({}, why.message); }

void AgentWatch::on_scan_end(const Status& status) {
  if (status.ok()) {
    ++walks_;
    context_.stats.scans.add();
  } else if (walk_problem_.should_log(status.error().message, mono_now())) {
    context_.log.warn("walk_failed", {{"error", status.error().message}});
  }
  asked_walks_.end(mono_now());
  plan_walk(scan_interval_);
  if (dropped_) walk_soon();
}

void AgentWatch::plan_walk(Duration rest) {
  walk_due_ = mono_now() + rest;
  walk_timer_.once(rest);
}

void AgentWatch::walk_soon() {
  MonoTime now = mono_now();
  if (Duration rest = asked_walks_.wait(now); now + rest < walk_due_) plan_walk(rest);
}

// ---- hints

void AgentWatch::on_event(const Event& event) {
  bool gone = event.type == EventType::kDeregister;
  bool changed = event.type == EventType::kRegister || event.type == EventType::kInstanceStopped;
  if (!gone && !changed) return;
  context_.stats.hints_event.add();
  hint(event.agent_id, gone ? Hint::kGone : Hint::kEvent);
}

void AgentWatch::on_key_event(std::string_view key, Hint why) {
  std::string_view id = context_.keys.agent_id_of_heartbeat(key);
  if (id.empty()) return;
  context_.stats.hints_keyspace.add();
  hint(id, why);
}

void AgentWatch::catch_up() {
  if (!running_) return;
  dropped_ = true;  // a walk that is under way may have passed the place already
  if (scan_.idle()) walk_soon();
}

void AgentWatch::hint(std::string_view id, Hint why) {
  if (!running_ || !common::is_agent(context_.profile, id) || liveness_.hint(id, why, mono_now())) return;
  context_.stats.dropped.add();
  if (dropped_) return;
  dropped_ = true;
  if (scan_.idle()) walk_soon();
}

}  // namespace mas::health
