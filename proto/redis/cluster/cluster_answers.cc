// Answers: what goes to the receiver, what is sent again, and what a node's coming and going changes.
#include <utility>

#include "proto/base/random.h"
#include "proto/redis/cluster/cluster_link_impl.h"
#include "proto/redis/cluster/command_keys.h"

namespace mas::redis {

void ClusterLink::on_node_ready(NodeLink& node) {
  topology_.node_works(node.address);
  pump_all();
  if (listener_ != nullptr) listener_->on_node_ready(node.address, node.connection.generation() > 1);
}

void ClusterLink::on_node_down(NodeLink& node, const Error& why, unsigned attempt) {
  trouble_ = why;
  topology_.node_failed(node.address);
  tidy_soon();
  if (listener_ != nullptr) listener_->on_node_down(node.address, why, attempt);
}

void ClusterLink::on_map() {
  nodes_.connect_wanted();
  pump_all();
  tidy_soon();
  if (listener_ != nullptr) listener_->on_map(map());
}

void ClusterLink::on_map_trouble(const Error& why) {
  trouble_ = why;
  if (listener_ != nullptr) listener_->on_map_trouble(why);
}

/// Nodes go from the loop: this may be one of their callbacks.
void ClusterLink::tidy_soon() {
  tidy_wanted_ = true;
  if (!stopped_ && !tick_.armed()) tick_.once(Duration::zero());
}

Node ClusterLink::answering() const { return answering_ == nullptr ? Node() : answering_->address; }

void ClusterLink::on_reply(uint64_t tag, const Answer& got) {
  const auto id = static_cast<RunId>(tag >> 32);
  const auto index = static_cast<size_t>(tag & UINT32_MAX);
  Run& run = runs_[id];
  NodeLink& node = *run.node;
  const unsigned slot = run.slot;
  const bool last = run.transaction || index + 1 == run.count;
  if (last) {
    --node.in_flight;
    queues_[slot].left();
  }
  ReplyTo to = run.to;
  to.tag += index;
  const Fate fate = fate_of(id, index, got);
  if (fate == Fate::kAnswered && got.ok()) queues_[slot].served();
  if (last && fate != Fate::kParked) drop_run(id);
  if (fate == Fate::kAnswered && to.fn != nullptr) {
    answering_ = &node;
    to.fn(to.self, to.tag, got);
    answering_ = nullptr;
  }
  if (!last) return;
  if (queues_[slot].any_waits()) pump(slot);
  let_go(slot);
}

ClusterLink::Fate ClusterLink::fate_of(RunId id, size_t index, const Answer& got) {
  const Run& run = runs_[id];
  if (!got.ok()) return got.error().code == Errc::kUnreachable ? not_sent(id, index) : Fate::kAnswered;
  if (stopped_ || run.pinned || mono_now() >= run.deadline) return Fate::kAnswered;
  const auto redirect = redirect_of(**got, run.node->address.host);
  return redirect ? redirected(id, index, *redirect, **got) : Fate::kAnswered;
}

/// All commands of a run come back so, or none.
ClusterLink::Fate ClusterLink::not_sent(RunId id, size_t index) {
  Run& run = runs_[id];
  if (index == 0) run.unsent = !stopped_ && mono_now() < run.deadline;
  if (!run.unsent) return Fate::kAnswered;
  if (run.transaction || index + 1 == run.count) {
    run.ask.reset();
    wait(id);
  }
  return Fate::kParked;
}

/// It waits before the map changes: runs that were called later may be sent as soon as that happens.
ClusterLink::Fate ClusterLink::redirected(RunId id, size_t index, const Redirect& redirect, const Reply& reply) {
  const bool whole = runs_[id].transaction || runs_[id].count == 1;
  const RunId again = whole ? id : single_command(runs_[id], index);
  Run& run = runs_[again];
  const unsigned slot = run.slot;
  const bool circling = run.redirects >= kMaxRedirects;
  run.ask = redirect.onward == Onward::kAsk ? std::optional(redirect.node) : std::nullopt;
  if (redirect.onward == Onward::kLater || circling) {
    run.held_by = error_of(reply);
    queues_[slot].hold(mono_now(), random_u64());
  } else {
    ++run.redirects;
  }
  wait(again);
  if (redirect.onward == Onward::kMoved && !topology_.moved(redirect.slot, redirect.node))
    queues_[slot].hold(mono_now(), random_u64());
  if (redirect.refresh) topology_.refresh();
  return whole ? Fate::kParked : Fate::kDetached;
}

/// A run of one command of another.
ClusterLink::RunId ClusterLink::single_command(const Run& run, size_t index) {
  std::string_view rest = run.bytes, command;
  for (size_t i = 0; i <= index; ++i) command = split_command(rest);
  Run single;
  single.bytes = command;
  single.count = 1;
  single.slot = run.slot;
  single.to = run.to;
  single.deadline = run.deadline;
  single.sequence = run.sequence;
  single.redirects = run.redirects;
  single.to.tag += index;
  return add_run(std::move(single));
}

/// The end of runs that no node has.
void ClusterLink::fail(RunId id, Error why) { failing_.push_back({id, std::move(why)}); }

/// One command after the other, so that a receiver that is forgotten in between hears no more. What a receiver does may
/// lead here again; that goes on where this one stands.
void ClusterLink::answer_failing() {
  while (!failing_.empty()) {
    const auto [id, why] = failing_.front();
    Run& run = runs_[id];
    const ReplyTo to = run.to;
    ++run.to.tag;
    if (run.transaction || ++run.failed == run.count) {
      failing_.pop_front();
      drop_run(id);
    }
    if (to.fn != nullptr) to.fn(to.self, to.tag, why);
  }
}

void ClusterLink::wipe_received() {
  if (answering_ != nullptr) answering_->connection.wipe_received();
}

const OversizedText& ClusterLink::oversized() const {
  static const OversizedText& kNone = *new OversizedText;
  return answering_ != nullptr ? answering_->connection.oversized() : kNone;
}

void ClusterLink::ask_role(const Node& address) {
  if (NodeLink* node = nodes_.find(address)) node->connection.ask_role();
}

}  // namespace mas::redis
