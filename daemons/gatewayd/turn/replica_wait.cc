// Asking replicas, and what their number means.
#include "daemons/gatewayd/turn/replica_wait.h"

#include <algorithm>
#include <utility>

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kShortWait = 5ms, kAskAgain = 100ms;  // while too few replicas answer
constexpr int kLongWaits = 10;                           // the time between two of them, in waits
constexpr size_t kMaxWithheld = 100'000;                 // receipts
constexpr size_t kMaxWithheldBytes = 64 * 1024 * 1024;   // of these

}  // namespace

ReplicaWait::ReplicaWait(TurnParts& parts)
    : parts_(parts),
      again_(parts.frame.loop(), [this] { ask_again(); }),
      failed_(parts.frame.metrics().counter("replica_waits_failed_total",
                                            "Times that too few replicas confirmed a commit within the bound.")),
      withheld_(parts.frame.metrics().gauge("receipts_withheld",
                                            "Receipts that wait since too few replicas have their commits.")) {
  again_.unref();
}

void ReplicaWait::committed_at(const redis::Node& node) {
  if (!wanted() || !parts_.on_cluster()) return;
  nodes_.insert(node);
  more_held_ = true;
}

size_t ReplicaWait::ask_each(redis::ReplyTo to) { return ask_each(of_commit_, to); }

size_t ReplicaWait::ask_each(Round& round, redis::ReplyTo to) {
  redis::Command command;
  ask(command);
  round = {0, INT64_MAX};
  for (const redis::Node& node : nodes_) {
    if (!parts_.redis.send_to(node, command, to).ok()) continue;  // there is no answer, so it is asked again
    ++round.due;
    ++to.tag;
  }
  if (round.due < nodes_.size()) round.least = 0;
  return round.due;
}

/// @return whether it was the last answer.
bool ReplicaWait::over(Round& round, const redis::Reply& reply) {
  round.least = std::min(round.least, reply.is_integer() ? reply.integer : 0);
  return --round.due == 0;
}

void ReplicaWait::ask(redis::Command& command) {
  const Duration whole = parts_.options.wait_timeout;
  const MonoTime now = mono_now();
  const bool waits_long = !behind_since_ || now >= long_wait_at_;
  if (behind_since_ && waits_long) long_wait_at_ = now + kLongWaits * whole;
  command.add("WAIT", parts_.options.wait_replicas, to_millis(waits_long ? whole : std::min(kShortWait, whole)));
}

void ReplicaWait::hold(redis::Command receipts) {
  if (held_.count() == 0)
    held_ = std::move(receipts);
  else
    held_.add(receipts);
  if (held_.count() > kMaxWithheld || held_.bytes().size() > kMaxWithheldBytes) held_ = {};
}

void ReplicaWait::answered(const redis::Reply& reply) {
  if (!parts_.on_cluster()) return judge(reply.is_integer() ? reply.integer : 0);
  if (over(of_commit_, reply)) judge(of_commit_.least);
}

void ReplicaWait::judge(int64_t replicas) {
  if (replicas < parts_.options.wait_replicas) return fall_behind(replicas);
  nodes_.clear();
  if (behind_since_) {
    parts_.frame.log().info("replicas_caught_up", {{"receipts", held_.count()}});
    behind_since_.reset();
    repeat_.reset();
    again_.stop();
    withheld_.set(0);
  }
  if (held_.count() == 0) return;
  parts_.stats.receipts.add(held_.count());
  parts_.publish(std::exchange(held_, {}));
}

void ReplicaWait::fall_behind(int64_t replicas) {
  replicas_ = replicas;
  withheld_.set(static_cast<double>(held_.count()));
  if (!behind_since_) {
    behind_since_ = mono_now();
    long_wait_at_ = *behind_since_ + kLongWaits * parts_.options.wait_timeout;
    failed_.add();
    parts_.alert("receipts are withheld: " + problem(), wall_now());
  }
  if (repeat_.should_log("replicas", mono_now())) parts_.frame.log().warn("replicas_behind", {{"why", problem()}});
  ask_soon();
}

/// Commits ask as well, and do not put it off.
void ReplicaWait::ask_soon() {
  if (!again_.armed()) again_.once(kAskAgain);
}

void ReplicaWait::ask_again() {
  if (parts_.on_cluster()) {
    more_held_ = false;
    if (ask_each(own_, redis::reply_to<&ReplicaWait::on_answer>(this)) == 0) ask_soon();
    return;
  }
  redis::Command command;
  ask(command);
  if (!parts_.redis.send(std::move(command), redis::reply_to<&ReplicaWait::on_answer>(this)).ok()) ask_soon();
}

void ReplicaWait::on_answer(uint64_t, const redis::Answer& answer) {
  if (!answer.ok()) return;
  if (parts_.on_cluster() && !over(own_, **answer)) return;
  if (!behind_since_ && held_.count() == 0) return;
  if (!parts_.on_cluster())
    judge((*answer)->is_integer() ? (*answer)->integer : 0);
  else if (more_held_)
    ask_soon();
  else
    judge(own_.least);
  parts_.flush_events();
}

void ReplicaWait::turn_dropped() {
  if (held_.count() > 0) ask_soon();
}

void ReplicaWait::forget() {
  parts_.redis.forget(this);
  again_.stop();
  held_ = {};
  nodes_.clear();
  withheld_.set(0);
  behind_since_.reset();
}

std::string ReplicaWait::problem() const {
  if (!behind_since_) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(mono_now() - *behind_since_).count();
  return std::to_string(replicas_) + " of " + std::to_string(parts_.options.wait_replicas) +
         " replicas have the last commits; senders wait for their receipts for " + std::to_string(seconds) + " s";
}

}  // namespace mas::gateway
