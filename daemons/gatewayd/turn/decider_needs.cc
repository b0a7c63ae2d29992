// What deciding needs to know: of whom, and of which streams. It is put on lists, read, and looked for again.
#include <algorithm>
#include <utility>
#include <vector>

#include "daemons/gatewayd/authz/priority.h"
#include "daemons/gatewayd/turn/decider.h"

namespace mas::gateway {

/// First who it is, then what it wants: a stranger makes the gateway look at nobody but himself.
bool Decider::need_some(Batch& batch, std::vector<Inbox*>& ret_inboxes, MonoTime until) {
  if (!std::exchange(needing_, true)) {
    ret_inboxes.clear();
    wanted_entries_.clear();
    ++looks_;
    need_frame_ = need_message_ = 0;
    for (auto& due : batch.due()) need_inbox(due, ret_inboxes);
  }
  auto enough = [&] { return facts_.wanted() >= kMostWanted || ret_inboxes.size() >= kMostWanted; };
  while (!policy_.memory_low && need_frame_ < batch.frames().size() && !enough()) {
    if (!need_frame(batch, batch.frames()[need_frame_], ret_inboxes, until)) return false;
    ++need_frame_;
    need_message_ = 0;
    if (mono_now() >= until) return false;
  }
  needing_ = false;
  return true;
}

/// @return whether it is through with the frame.
bool Decider::need_frame(Batch& batch, FrameInTurn& frame, std::vector<Inbox*>& ret_inboxes, MonoTime until) {
  if (need_message_ == 0) {
    if (frame.fault || partition_of(frame.header.sender, partitions_.size()) != frame.partition) return true;
    frame.sender_facts = &facts_.need(frame.header.sender, kSenderGroups);
    facts_.need_roles(*frame.sender_facts);
    if (!proven_replay(batch, frame) && !known_credential(frame)) return true;
  }
  constexpr size_t kBetweenLooks = 64;  // at the clock
  while (need_message_ < frame.count) {
    Message& message = batch.messages()[frame.first + need_message_];
    if (message.report != nullptr)
      need_entry(batch, frame, message);
    else
      need_target(frame, message, ret_inboxes);
    ++need_message_;
    if (need_message_ % kBetweenLooks == 0 && mono_now() >= until) return false;
  }
  return true;
}

bool Decider::known_credential(const FrameInTurn& frame) const {
  const Agent& sender = *frame.sender_facts;
  const HmacKey* key = nullptr;
  return sender.knows(kPresence | kIdentity) &&
         check_credential(frame.header, sender.secrets, policy_.auth, now_, &key).ok();
}

void Decider::need_target(const FrameInTurn& frame, Message& message, std::vector<Inbox*>& ret_inboxes) {
  if (message.fault) return;
  message.target_facts = &facts_.need(message.target, circuits_.on() ? kTargetGroups | kCircuit : kTargetGroups);
  if (!choose_lane(frame, message)) return;  // the sender's roles are being read; another pass follows
  message.inbox = &inbox_of(frame, message);
  need_length(*message.inbox, ret_inboxes);
  if (circuits_.watched(*message.target_facts)) need_outcomes(*message.target_facts, ret_inboxes);
}

/// The lane that the message asks for, or the highest that its sender may use. @return false when that is not known yet.
bool Decider::choose_lane(const FrameInTurn& frame, Message& message) const {
  message.lane = message.wanted;
  if (policy_.priorities != Mode::kEnforce || message.wanted >= policy_.highest_lane) return true;
  if (!frame.sender_facts->has_roles) return false;
  message.lane = std::max(message.wanted, highest_lane(frame.sender_facts->roles, policy_.highest_lane));
  return true;
}

/// A ticket leads a reply to the instance that asked.
Inbox& Decider::inbox_of(const FrameInTurn& frame, Message& message) {
  Agent& target = *message.target_facts;
  TicketClaim claim{target.id, {}, frame.header.sender, message.correlation_id};
  message.answers = message.is_reply && !message.ticket.empty() && tickets_.accept(message.ticket, claim, now_);
  if (!message.answers) {
    Inbox& inbox = target.inbox(message.lane);
    if (inbox.key.empty()) inbox.key = keys_.inbox(target.id, message.lane, frame.partition);
    return inbox;
  }
  auto [it, fresh] = reply_inboxes_.try_emplace(keys_.reply_inbox(target.id, claim.instance.hex(), frame.partition));
  if (fresh) {
    it->second.key = it->first;
    it->second.replies = true;
  }
  return it->second;
}

}  // namespace mas::gateway
