// Events, passes and lookups of the active registryd, one lookup at a time.
#include "daemons/registryd/active_index.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/keys.h"

namespace mas::registry {

namespace {

using From = IndexRequests::From;

// After DEREGISTER the entry is deleted by the next command of the agent.
constexpr Duration kLookAgain = std::chrono::milliseconds(250);

}  // namespace

ActiveIndex::ActiveIndex(const IndexContext& context, Duration reconcile_interval, size_t max_agents,
                         ActiveIndexListener& listener)
    : context_(context),
      listener_(listener),
      registry_(max_agents),
      lookup_(context.redis, context.keys, registry_, *this),
      reconcile_(context.loop, context.redis, context.keys, registry_, *this),
      marker_(context.loop, context.redis, context.keys.index_ready(), context.instance, *this),
      pass_(reconcile_interval),
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
  pass_.set_interval(interval);
  if (reconcile_.idle() && !fail_timer_.armed()) plan_pass(interval);
}

void ActiveIndex::plan_pass(Duration rest) { pass_timer_.once(pass_.plan(rest, mono_now())); }

bool ActiveIndex::counts(std::string_view id) const { return common::is_agent(context_.profile, id); }

// ---- events

void ActiveIndex::on_event(const Event& event) {
  bool gone = event.type == EventType::kDeregister;
  if (!gone && event.type != EventType::kRegister) return;
  if (!counts(event.agent_id)) return;
  note(event.agent_id);
  if (gone && requests_.stopped(event.agent_id) && !again_timer_.armed()) again_timer_.once(kLookAgain);
}

void ActiveIndex::note(std::string_view id) {
  if (requests_.named(id)) {
    if (!pump_timer_.armed()) pump_timer_.once(Duration(0));
    return;
  }
  context_.stats.events_overflow.add();
  if (!pass_.flooded()) return;
  context_.log.warn("event_flood", {{"waiting", requests_.waiting()}, {"then", "a full pass"}});
  if (!reconcile_.idle()) return;
  if (auto rest = pass_.sooner(mono_now())) plan_pass(*rest);
}

void ActiveIndex::look_again() {
  for (const std::string& id : requests_.take_stopped()) note(id);
}

// ---- lookups

void ActiveIndex::pump() {
  if (fail_timer_.armed() || !lookup_.idle()) return;
  auto [from, ids, rest] = requests_.next(LookupOp::kBatch, mono_now());
  if (from == From::kNone) return rest > Duration(0) ? pump_timer_.once(rest) : void();
  context_.stats.lookups.add(ids.size());
  Status sent = lookup_.start(std::move(ids), from == From::kWalk);
  if (!sent.ok()) fail(sent.error());
}

void ActiveIndex::on_looked_up(const Status& status) {
  count_writes();
  if (!status.ok()) return fail(status.error());
  requests_.ended(mono_now());
  pump_timer_.once(Duration(0));
  if (requests_.from() == From::kWalk) reconcile_.looked_up({});
}

void ActiveIndex::on_not_indexed(std::string_view id, const std::string& why) {
  context_.stats.not_indexed.add();
  pass_.met_invalid();
  if (context_.complaints.worth_a_line(id, why, mono_now()))
    context_.log.warn("entry_not_indexed", {{"agent", printable(id)}, {"reason", why}});
}

void ActiveIndex::on_overfull() {
  if (pass_.met_overfull()) context_.log.error("too_many_agents", {{"indexed", agents()}});
}

// ---- full passes

void ActiveIndex::start_pass() {
  if (fail_timer_.armed()) return;
  pass_.begin(mono_now());
  using Pace = common::KeyScanOp::Pace;
  reconcile_.start(marker_.present() ? Pace::kGentle : Pace::kQuick);
}

void ActiveIndex::look_up(std::vector<std::string> ids) {
  requests_.walk(std::move(ids));
  pump_timer_.once(Duration(0));
}

void ActiveIndex::on_reconciled(const Status& status) {
  count_writes();
  if (!status.ok()) {
    context_.stats.reconcile_failures.add();
    return fail(status.error());
  }
  const Duration took = pass_.end(mono_now());
  context_.stats.reconciles.add();
  context_.stats.reconcile_seconds.record(static_cast<uint64_t>(took.count()));
  context_.stats.invalid_entries.set(static_cast<double>(pass_.invalid()));
  plan_pass(pass_.rest(mono_now()));
  // An index that lacks somebody must not pass for complete; clients then look through the registry themselves.
  if (pass_.overfull()) return marker_.withdraw();
  if (marker_.present()) return;
  marker_.announce();
  context_.log.info(
      "index_complete",
      {{"agents", agents()}, {"capabilities", capabilities()}, {"invalid", pass_.invalid()}, {"ms", to_millis(took)}});
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
