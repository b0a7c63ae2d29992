// Events, passes and lookups of the active registryd, one lookup at a time.
#include "daemons/registryd/active_index.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/keys.h"

namespace mas::registry {

namespace {

// Ids that wait because of events; more means a flood, which a full pass answers as well.
constexpr size_t kMaxPending = 4096;
// After DEREGISTER the entry is deleted by the next command of the agent.
constexpr Duration kLookAgain = std::chrono::milliseconds(250);

}  // namespace

ActiveIndex::ActiveIndex(const IndexContext& context, Duration reconcile_interval, size_t max_agents,
                         ActiveIndexListener& listener)
    : context_(context),
      interval_(reconcile_interval),
      listener_(listener),
      registry_(max_agents),
      lookup_(context.redis, context.keys, registry_, *this),
      reconcile_(context.loop, context.redis, context.keys, registry_, *this),
      marker_(context.loop, context.redis, context.keys.index_ready(), context.instance, *this),
      pending_(kMaxPending),
      again_(kMaxPending),
      pump_timer_(context.loop, [this] { pump(); }),
      again_timer_(context.loop, [this] { look_again(); }),
      pass_timer_(context.loop, [this] { start_pass(); }),
      fail_timer_(context.loop, [this] { listener_.on_index_failed(failure_); }) {
  marker_.clear();
  start_pass();
}

ActiveIndex::~ActiveIndex() { marker_.withdraw(); }

// A shorter interval counts from now, not from the end of the longer one.
void ActiveIndex::set_reconcile_interval(Duration interval) {
  interval_ = interval;
  if (reconcile_.idle() && !fail_timer_.armed()) plan_pass(interval);
}

void ActiveIndex::plan_pass(Duration rest) {
  pass_due_ = mono_now() + rest;
  pass_timer_.once(rest);
}

bool ActiveIndex::counts(std::string_view id) const { return common::is_agent(context_.profile, id); }

// ---- events

void ActiveIndex::on_event(const Event& event) {
  bool gone = event.type == EventType::kDeregister;
  if (!gone && event.type != EventType::kRegister) return;
  if (!counts(event.agent_id)) return;
  note(event.agent_id);
  if (gone && again_.add(event.agent_id) && !again_timer_.armed()) again_timer_.once(kLookAgain);
}

void ActiveIndex::note(std::string_view id) {
  if (pending_.add(id)) {
    if (!pump_timer_.armed()) pump_timer_.once(Duration(0));
    return;
  }
  context_.stats.events_overflow.add();
  if (overflow_) return;
  overflow_ = true;
  context_.log.warn("event_flood", {{"waiting", pending_.size()}, {"then", "a full pass"}});
  if (!reconcile_.idle()) return;
  MonoTime now = mono_now();
  if (Duration rest = flood_passes_.wait(now); now + rest < pass_due_) plan_pass(rest);
}

void ActiveIndex::look_again() {
  for (const std::string& id : again_.take(kMaxPending)) note(id);
}

// ---- lookups

// Events and the full pass take turns, so that neither starves.
void ActiveIndex::pump() {
  if (fail_timer_.armed() || !lookup_.idle()) return;
  Duration rest = event_lookups_.wait(mono_now());
  bool events = !pending_.empty() && rest == Duration(0);
  bool walk = !walk_.empty() && (!events || job_ != Job::kWalk);
  if (walk) return start_job(Job::kWalk, std::exchange(walk_, {}));
  if (events) return start_job(Job::kEvents, pending_.take(LookupOp::kBatch));
  if (!pending_.empty()) pump_timer_.once(rest);
}

void ActiveIndex::start_job(Job job, std::vector<std::string> ids) {
  job_ = job;
  if (job == Job::kEvents) event_lookups_.begin(mono_now());
  context_.stats.lookups.add(ids.size());
  Status sent = lookup_.start(std::move(ids), job == Job::kWalk);
  if (!sent.ok()) fail(sent.error());
}

void ActiveIndex::on_looked_up(const Status& status) {
  count_writes();
  if (!status.ok()) return fail(status.error());
  if (job_ == Job::kEvents) event_lookups_.end(mono_now());
  pump_timer_.once(Duration(0));
  if (job_ == Job::kWalk) reconcile_.looked_up({});
}

void ActiveIndex::on_not_indexed(std::string_view id, const std::string& why) {
  context_.stats.not_indexed.add();
  ++pass_invalid_;
  if (context_.complaints.worth_a_line(id, why, mono_now()))
    context_.log.warn("entry_not_indexed", {{"agent", printable(id)}, {"reason", why}});
}

void ActiveIndex::on_overfull() {
  if (!pass_overfull_) context_.log.error("too_many_agents", {{"indexed", agents()}});
  pass_overfull_ = true;
}

// ---- full passes

void ActiveIndex::start_pass() {
  if (fail_timer_.armed()) return;
  overflow_ = false;
  pass_began_ = mono_now();
  flood_passes_.begin(pass_began_);
  pass_invalid_ = 0;
  pass_overfull_ = false;
  using Pace = common::KeyScanOp::Pace;
  reconcile_.start(marker_.present() ? Pace::kGentle : Pace::kQuick);
}

void ActiveIndex::look_up(std::vector<std::string> ids) {
  walk_ = std::move(ids);
  pump_timer_.once(Duration(0));
}

void ActiveIndex::on_reconciled(const Status& status) {
  count_writes();
  if (!status.ok()) {
    context_.stats.reconcile_failures.add();
    return fail(status.error());
  }
  built_ = true;
  flood_passes_.end(mono_now());
  Duration took = mono_now() - pass_began_;
  context_.stats.reconciles.add();
  context_.stats.reconcile_seconds.record(static_cast<uint64_t>(took.count()));
  context_.stats.invalid_entries.set(static_cast<double>(pass_invalid_));
  plan_pass(overflow_ ? std::min(flood_passes_.wait(mono_now()), interval_) : interval_);
  // An index that lacks somebody must not pass for complete; clients then look through the registry themselves.
  if (pass_overfull_) return marker_.withdraw();
  if (marker_.present()) return;
  marker_.announce();
  context_.log.info(
      "index_complete",
      {{"agents", agents()}, {"capabilities", capabilities()}, {"invalid", pass_invalid_}, {"ms", to_millis(took)}});
  listener_.on_index_complete();
}

void ActiveIndex::count_writes() {
  uint64_t total = lookup_.write_commands() + reconcile_.write_commands();
  context_.stats.index_writes.add(total - counted_writes_);
  counted_writes_ = total;
}

// From a timer, since whoever reports a failure is still on the stack.
void ActiveIndex::fail(const Error& why) {
  if (fail_timer_.armed()) return;
  failure_ = why;
  fail_timer_.once(Duration(0));
}

}  // namespace mas::registry
