// What has to be known of senders, targets, reported entries and what is due.
#include "daemons/gatewayd/turn/needs.h"

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/authz/priority.h"

namespace mas::gateway {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(50);  // at a stream that is full, or on trial

}  // namespace

void Needs::begin(std::vector<TargetStream*>& ret_inboxes) {
  inboxes_ = &ret_inboxes;
  inboxes_->clear();
  wanted_entries_.clear();
  ++pass_;
}

void Needs::sender(const FrameInTurn& frame, FrameLookup& found) {
  found.sender = &turn_.facts.need(frame.header.sender, kSenderGroups);
  turn_.facts.need_roles(*found.sender);
}

void Needs::target(const FrameInTurn& frame, const Message& message, const FrameLookup& from, MessageLookup& found) {
  if (message.fault) return;
  Circuits& circuits = turn_.circuits;
  found.target = &turn_.facts.need(message.target, circuits.on() ? kTargetGroups | kCircuit : kTargetGroups);
  if (!choose_lane(message, from, found)) return;  // the sender's roles are being read; another pass follows
  found.inbox = &inbox_of(frame, message, found);
  length(*found.inbox);
  if (!found.answers && circuits.watched(*found.target)) outcomes(*found.target);  // replies pass every breaker
}

/// The lane that the message asks for, or the highest that its sender may use. @return false when that is not known
/// yet.
bool Needs::choose_lane(const Message& message, const FrameLookup& from, MessageLookup& found) const {
  const Policy& policy = turn_.policy;
  found.lane = message.wanted;
  if (policy.priorities != Mode::kEnforce || message.wanted >= policy.highest_lane) return true;
  if (!from.sender->has_roles) return false;
  found.lane = std::max(message.wanted, highest_lane(from.sender->roles, policy.highest_lane));
  return true;
}

/// A ticket leads a reply to the instance that asked.
TargetStream& Needs::inbox_of(const FrameInTurn& frame, const Message& message, MessageLookup& found) {
  AgentFacts& target = *found.target;
  TicketClaim claim{target.id, {}, frame.header.sender, message.correlation_id};
  found.answers = message.is_reply && !message.ticket.empty() && turn_.tickets.accept(message.ticket, claim, turn_.now);
  if (!found.answers) {
    return stream_of(target, found.lane, frame.partition);
  }
  auto [it, fresh] =
      reply_inboxes_.try_emplace(turn_.keys.reply_inbox(target.id, claim.instance.hex(), frame.partition));
  if (fresh) {
    it->second.key = it->first;
    it->second.replies = true;
    place(it->second, target.id, {frame.partition, Lane::kNormal, claim.instance.hex()});
  }
  return it->second;
}

/// The agent's stream that the partition's senders have in common.
TargetStream& Needs::stream_of(AgentFacts& agent, Lane lane, unsigned partition) {
  TargetStream& inbox = agent.inbox(lane, turn_.keys.placed(partition));
  if (inbox.key.empty()) {
    inbox.key = turn_.keys.inbox(agent.id, lane, partition);
    place(inbox, agent.id, {partition, lane});
  }
  return inbox;
}

/// On a cluster: in which slot it is, and how its receiver hears of what is in it.
void Needs::place(TargetStream& inbox, std::string_view receiver, const WakeUp& wake_up) {
  if (turn_.keys.layout() != KeyLayout::kCluster) return;
  inbox.partition = wake_up.partition;
  std::string text;
  append_wake_up(text, wake_up);
  inbox.wake = std::make_unique<const TargetStream::Wake>(
      TargetStream::Wake{turn_.keys.wake_channel(receiver), std::move(text)});
}

void Needs::entry(ReportedEntry& entry) {
  if (!entry.known && std::exchange(entry.asked, pass_) != pass_) wanted_entries_.push_back(&entry);
}

void Needs::due(const DueRetry& due, DueLookup& found) {
  if (!due.fault.empty()) return;
  found.agent = &turn_.facts.need(due.waiting.agent, kLimits);
  found.inbox = &stream_of(*found.agent, due.waiting.lane, due.partition);
  length(*found.inbox);
}

/// A circuit on trial closes by what leaves the target's streams, whichever lane it lay in.
void Needs::outcomes(AgentFacts& target) {
  target.for_each_inbox([this](TargetStream& inbox) {
    if (inbox.key.empty()) return;
    if (turn_.mono - inbox.read_at > kLookAgain) inbox.known = false;
    length(inbox);
  });
}

void Needs::length(TargetStream& inbox) {
  const bool full = inbox.records() >= turn_.policy.max_backlog_records ||
                    inbox.bytes() >= turn_.policy.max_backlog_bytes ||
                    inbox.backlog.counts_senders();  // or full for some of them
  bool forgiven = !inbox.failing.empty() && turn_.mono >= inbox.failing_until;
  if (forgiven) inbox.failing.clear();
  if (forgiven || (full && turn_.mono - inbox.read_at > kLookAgain)) inbox.known = false;
  if (inbox.known || std::exchange(inbox.asked, pass_) == pass_) return;
  inboxes_->push_back(&inbox);
}

}  // namespace mas::gateway
