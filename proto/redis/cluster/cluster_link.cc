// Sending: which node a run goes to, when it may, and until when it waits.
#include "proto/redis/cluster/cluster_link.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"
#include "proto/base/secret.h"
#include "proto/redis/cluster/cluster_link_impl.h"
#include "proto/redis/cluster/command_keys.h"

namespace mas::redis {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(20);

/// A node's connection keeps nothing for its next link: by then the slot may be elsewhere.
ClusterOptions adapted(ClusterOptions options) {
  options.node.keep_unsent = false;
  options.node.primary_only = true;
  return options;
}

}  // namespace

ClusterLink::ClusterLink(uv_loop_t* loop, ClusterOptions options, ClusterListener* listener)
    : options_(adapted(std::move(options))),
      listener_(listener),
      topology_(loop, options_, *this),
      nodes_(loop, options_, topology_.map(), *this),
      trouble_{Errc::kUnreachable, "no node of the cluster was reached yet"},
      tick_(loop, [this] { on_tick(); }) {}

ClusterLink::~ClusterLink() {
  for (RunId id = 0; id < runs_.size(); ++id) drop_run(id);
}

void ClusterLink::start() { topology_.start(); }

void ClusterLink::stop() {
  if (std::exchange(stopped_, true)) return;
  topology_.stop();
  tick_.stop();
  nodes_.stop();
  const Error cancelled{Errc::kCancelled, "the connection to the cluster was stopped"};
  for (unsigned slot : std::exchange(waiting_, {}))
    for (RunId id : queues_[slot].take_all()) fail(id, cancelled);
  answer_failing();
}

// ---- Calls

Status ClusterLink::check_room(size_t bytes, size_t count) const {
  if (count == 0) return Error{Errc::kInvalidArgument, "no command to send"};
  if (stopped_) return Error{Errc::kInvalidState, "the connection to the cluster was stopped"};
  const bool full = pending_bytes_ + bytes > options_.node.max_outgoing_bytes ||
                    pending_commands_ + count > options_.node.max_pending_commands;
  if (full)
    return Error{Errc::kWouldBlock, "the queue of the cluster is full (" + std::to_string(pending_commands_) +
                                        " commands, " + std::to_string(pending_bytes_) + " bytes)"};
  return {};
}

Status ClusterLink::submit(std::string_view bytes, size_t count, bool transaction, ReplyTo to, Duration timeout) {
  if (auto room = check_room(bytes.size(), count); !room) return room;
  auto slot = slot_of_run(bytes, count);
  if (!slot) return slot.error();
  begin_run(bytes, count, slot->value_or(kAnySlot), transaction, to, timeout);
  return {};
}

void ClusterLink::begin_run(std::string_view bytes, size_t count, unsigned slot, bool transaction, ReplyTo to,
                            Duration timeout, const Node* pinned) {
  Run run;
  run.bytes = bytes;
  run.count = count;
  run.transaction = transaction;
  run.slot = slot;
  run.to = to;
  run.deadline = mono_now() + (timeout == Duration::zero() ? options_.node.command_timeout : timeout);
  run.sequence = ++sequence_;
  if (pinned != nullptr) run.pinned = *pinned;
  place(add_run(std::move(run)));
}

Status ClusterLink::send_to(const Node& node, const Command& command, ReplyTo to, Duration timeout) {
  if (auto room = check_room(command.bytes().size(), command.count()); !room) return room;
  begin_run(command.bytes(), command.count(), kPinned + nodes_.of(node).number, false, to, timeout, &node);
  return {};
}

Status ClusterLink::send(std::string_view bytes, size_t count, ReplyTo to, Duration timeout) {
  return submit(bytes, count, false, to, timeout);
}

Status ClusterLink::transaction(const Command& body, ReplyTo to, Duration timeout) {
  return submit(body.bytes(), body.count(), true, to, timeout);
}

/// All or nothing is accepted.
Status ClusterLink::scatter(std::string_view bytes, size_t count, ReplyTo to, Duration timeout) {
  if (auto room = check_room(bytes.size(), count); !room) return room;
  std::string_view rest = bytes;
  for (size_t i = 0; i < count; ++i)
    if (auto slot = slot_of_run(split_command(rest), 1); !slot) return slot.error();
  for (size_t i = 0; i < count; ++i, ++to.tag)
    if (auto sent = submit(split_command(bytes), 1, false, to, timeout); !sent) return sent;
  return {};
}

ClusterLink::RunId ClusterLink::add_run(Run run) {
  pending_bytes_ += run.bytes.size();
  pending_commands_ += run.count;
  if (unused_.empty()) {
    runs_.push_back(std::move(run));
    return static_cast<RunId>(runs_.size() - 1);
  }
  const RunId id = unused_.back();
  unused_.pop_back();
  runs_[id] = std::move(run);
  return id;
}

void ClusterLink::drop_run(RunId id) {
  Run& run = runs_[id];
  if (run.count == 0) return;
  pending_bytes_ -= run.bytes.size();
  pending_commands_ -= run.count;
  if (options_.node.secret) wipe(run.bytes);
  run = Run();
  unused_.push_back(id);
}

void ClusterLink::forget(const void* self) {
  for (Run& run : runs_)
    if (run.to.self == self) run.to.fn = nullptr;
}

void ClusterLink::abandon(const void* self) {
  for (Run& run : runs_) {
    if (run.to.self != self) continue;
    run.to.fn = nullptr;
    run.deadline = MonoTime{};
  }
  for (unsigned slot : std::set<unsigned>(waiting_)) {
    queues_[slot].look_at_deadlines();
    expire(slot, mono_now());
  }
}

// ---- Routing

/// Sends the run now, or lets it wait for its turn.
void ClusterLink::place(RunId id) {
  const Run& run = runs_[id];
  SlotQueue& queue = queues_[run.slot];
  if (!queue.any_waits()) {
    NodeLink* node = target(run);
    if (node != nullptr && queue.may_send(node, mono_now()) && hand_over(id, *node)) return;
  }
  wait(id);
}

void ClusterLink::wait(RunId id) {
  Run& run = runs_[id];
  run.node = nullptr;
  queues_[run.slot].wait(run.sequence, id, run.deadline);
  waiting_.insert(run.slot);
  if (!tick_.armed()) tick_.once(kTick);
}

/// Sends what may be sent of a slot's waiting runs.
void ClusterLink::pump(unsigned slot) {
  SlotQueue& queue = queues_[slot];
  while (!stopped_ && queue.any_waits()) {
    const RunId id = queue.first();
    NodeLink* node = target(runs_[id]);
    if (node == nullptr || !queue.may_send(node, mono_now()) || !hand_over(id, *node)) return;
    queue.pop_first();
  }
  if (!queue.any_waits()) waiting_.erase(slot);
}

void ClusterLink::pump_all() {
  for (unsigned slot : std::set<unsigned>(waiting_)) pump(slot);
}

/// @return the node that a run goes to; null: none is known.
NodeLink* ClusterLink::target(const Run& run) {
  if (run.pinned) return &nodes_.of(*run.pinned);
  if (run.ask) return &nodes_.of(*run.ask);
  if (run.slot == kAnySlot) return nodes_.any();
  const Node* primary = map().primary_of(run.slot);
  return primary == nullptr ? nullptr : &nodes_.of(*primary);
}

/// @return false, and nothing is done, while there is no link.
bool ClusterLink::hand_over(RunId id, NodeLink& node) {
  Run& run = runs_[id];
  if (!node.connection.ready()) return false;
  const Duration patience = std::max<Duration>(run.deadline - mono_now(), std::chrono::milliseconds(1));
  const ReplyTo to = reply_to<&ClusterLink::on_reply>(this, uint64_t{id} << 32, run.to.text_bytes);
  if (run.ask && !node.connection.send(Command("ASKING"), ReplyTo{}, patience).ok()) return false;
  const Status sent = run.transaction ? node.connection.transaction(run.bytes, run.count, to, 0, patience)
                                      : node.connection.send(run.bytes, run.count, to, patience);
  if (!sent) return false;
  run.node = &node;
  ++node.in_flight;
  queues_[run.slot].sent(&node);
  return true;
}

bool ClusterLink::ready(unsigned slot) const {
  const Node* primary = map().primary_of(slot);
  return primary != nullptr && connected(*primary);
}

// ---- Time

void ClusterLink::on_tick() {
  pump_all();
  for (unsigned slot : std::set<unsigned>(waiting_)) expire(slot, mono_now());
  answer_failing();
  tidy_wanted_ = nodes_.tidy();
  if (!stopped_ && (!waiting_.empty() || tidy_wanted_)) tick_.once(kTick);
}

void ClusterLink::expire(unsigned slot, MonoTime now) {
  SlotQueue& queue = queues_[slot];
  const auto late = queue.take_late(now, [this](RunId id) { return runs_[id].deadline; });
  if (!queue.any_waits()) {
    waiting_.erase(slot);
    let_go(slot);
  }
  for (RunId id : late) fail(id, runs_[id].held_by.value_or(Error{Errc::kUnreachable, trouble_.message}));
}

/// A queue of runs to one node goes with the last of them: its number does not come again.
void ClusterLink::let_go(unsigned slot) {
  if (slot < kPinned) return;
  if (auto it = queues_.find(slot); it != queues_.end() && it->second.idle()) queues_.erase(it);
}

}  // namespace mas::redis
