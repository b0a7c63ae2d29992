// What is due is delivered again or given up; what failed begins to wait.
#include "daemons/gatewayd/turn/retries.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mas::gateway {
namespace {

constexpr WallMicros kPostponed = 1'000'000;
constexpr const char* kUsedUp = "the handler failed at every permitted attempt";

/// As if its receiver had sent it: an error reply goes out in the receiver's name.
FrameInTurn frame_of(const DueRetry& due) {
  FrameInTurn frame;
  frame.partition = due.partition;
  frame.header.sender = due.waiting.agent;
  return frame;
}

UnansweredRequest request_of(const DueRetry& due) {
  return {due.sender, due.correlation_id, due.conversation, due.trace, due.waiting.ticket};
}

WallMicros micros(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

}  // namespace

bool Retries::need(const Batch& batch, size_t number, MonoTime) {
  const DueRetry& due = batch.due()[number];
  DueLookup& found = turn_.lookups.due[number];
  needs_.due(due, found);
  if (due.waiting.ticket.empty() || !may_be_given_up(due, found)) return true;
  const FrameInTurn frame = frame_of(due);
  FrameLookup from;
  needs_.sender(frame, from);
  replies_.need(frame, from, request_of(due), found.reply);
  return true;
}

/// Of what was read by now; when that changes, another pass asks again.
bool Retries::may_be_given_up(const DueRetry& due, const DueLookup& found) const {
  if (!found.agent->knows(kLimits)) return false;
  return due.waiting.state.attempts >= attempts_of(*found.agent) || !found.inbox->failing.empty();
}

/// It was accepted long ago: neither policy nor the bound of the backlog is asked again.
bool Retries::decide(const Batch& batch, size_t number, MonoTime) {
  const DueRetry& due = batch.due()[number];
  PartitionWork& work = turn_.result.work_of(due.partition);
  Partition& partition = *work.partition;
  if (turn_.policy.memory_low) {
    partition.next_retry = turn_.now + kPostponed;
    return true;
  }
  const bool gone = done(due, turn_.lookups.due[number], work);
  if (gone) work.retries.push_back({due.member, std::nullopt});
  if (partition.retries > 0) --partition.retries;  // where it goes on waiting, it was counted again
  return true;
}

/// @return whether it waits no longer.
bool Retries::done(const DueRetry& due, const DueLookup& found, PartitionWork& work) {
  if (!due.fault.empty()) {
    ++turn_.result.counts().poison;
    turn_.add_letter({due.partition, due.member.substr(0, kPoisonBytes), {}, {}, {}, std::string(due.fault)});
    return true;
  }
  if (due.deadline && static_cast<double>(turn_.now) / 1e6 > *due.deadline)
    return give_up(work, due.waiting, due, Decision::kExpired,
                   "the deadline has passed while it waited to be delivered again");
  if (due.waiting.state.attempts >= attempts_of(*found.agent))  // it waited for room in the dead-letter queue
    return end(due, found, work, Decision::kHandlerFailed, kUsedUp, kUsedUp);
  if (!found.inbox->failing.empty())
    return end(due, found, work, Decision::kUnavailable,
               "the target's stream accepts no entry: " + found.inbox->failing,
               "the receiver's stream accepts no entry");
  deliver(due, found);
  return true;
}

/// Gives it up and answers it. @param reason of the dead letter. @param text for the requester. @return as done().
bool Retries::end(const DueRetry& due, const DueLookup& found, PartitionWork& work, Decision decision,
                  std::string reason, std::string_view text) {
  if (!give_up(work, due.waiting, due, decision, std::move(reason))) return false;
  const Errc why = decision == Decision::kHandlerFailed ? Errc::kHandlerFailed : Errc::kUnavailable;
  replies_.send(frame_of(due), *found.agent, work, request_of(due), found.reply, why, text);
  return true;
}

/// In an entry of its own, so that what fails again, or takes its process with it, takes nothing else along.
void Retries::deliver(const DueRetry& due, const DueLookup& found) {
  std::string state;
  due.waiting.state.encode(state);
  turn_.result.deliver_alone(*found.inbox, due.waiting.envelope, due.waiting.ticket,
                             due.waiting.flags & Record::kReplayed, state);
  ++turn_.result.counts().retried;
}

void Retries::wait(PartitionWork& work, const WaitingRetry& waiting, WallMicros due) {
  std::string member;
  waiting.encode(member);
  work.retries.push_back({turn_.result.keep(std::move(member)), due});
  ++work.partition->retries;  // a little too many, where it waits already
  work.partition->next_retry = std::min(work.partition->next_retry, due);
}

bool Retries::give_up(PartitionWork& work, const WaitingRetry& waiting, const DueRetry& about, Decision decision,
                      std::string reason) {
  if (!turn_.letters_kept()) {
    wait(work, waiting, turn_.now + micros(turn_.policy.retry.cap));
    return false;
  }
  auto keep = [&](std::string_view text) { return turn_.result.keep(std::string(text)); };
  turn_.result.add_letter({work.partition->number, keep(waiting.envelope), keep(about.sender), keep(waiting.agent),
                           keep(about.id), std::move(reason), waiting.state.attempts, waiting.state.first});
  turn_.result.counts().decided(decision);
  recorder_.given_up(work, turn_.result.dead_letters().back(), about.type, decision);
  return true;
}

}  // namespace mas::gateway
