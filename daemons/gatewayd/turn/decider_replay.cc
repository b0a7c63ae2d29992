// Dead letters that are replayed: through the policy of today, and back into the queue where it refuses them.
#include <string>

#include "daemons/gatewayd/turn/decider.h"
#include "daemons/gatewayd/turn/replay.h"

namespace mas::gateway {

/// Whether a gateway made the frame. Looked at once, as need() comes by again and again.
bool Decider::proven_replay(const Batch& batch, FrameInTurn& frame) {
  if (!frame.replay || frame.fault || replay_key_ == nullptr || frame.count != 1) return false;
  if (frame.proven) return *frame.proven;
  Digest digest = sha256(batch.messages()[frame.first].envelope);
  frame.proven = signature_fits({frame.header, frame.mac, batch.records_of(frame)}, ns_, frame.partition, {&digest, 1},
                                *replay_key_, scratch_);
  return *frame.proven;
}

/// Nothing of a sender's numbers is used, and nobody waits for a receipt. Unlike any other frame, one that cannot be
/// decided now is not dropped: the sender has been told long ago and would not send it again.
void Decider::decide_replayed(const Batch& batch, const FrameInTurn& frame, PartitionWork& work) {
  const Message& message = batch.messages()[frame.first];
  shadow_.reset();
  detected_ = {};
  Ruling ruling = rule_replayed(frame, message, work);
  ++counts_.messages;
  ++(frame.from_archive ? counts_.archive_replayed : counts_.replayed);
  counts_.bytes += message.envelope.size();
  ++counts_.decisions[static_cast<uint8_t>(ruling.decision)];
  std::string said = "replayed";
  if (!decision_accepted(ruling.decision)) said.append(": ").append(decision_text(ruling.decision));
  if (!ruling.reason.empty()) said.append(": ").append(ruling.reason);
  // What comes from the archive was delivered once, and is still there: it is no letter.
  if (!decision_accepted(ruling.decision) && !frame.from_archive) return_letter(frame, message, said);
  ruling.reason = say(std::move(said));
  if (!policy_.memory_low) record(work, frame, message, frame.header.first_sequence, sha256(message.envelope), ruling);
}

Decider::Ruling Decider::rule_replayed(const FrameInTurn& frame, const Message& message, PartitionWork& work) {
  if (policy_.memory_low) return {Decision::kUnavailable, "Redis is short of memory"};
  if (partition_of(frame.header.sender, partitions_.size()) != frame.partition)
    return {Decision::kUnavailable, "the frame is in a partition that is not its sender's"};
  Case at{frame, message, work, nullptr, message.envelope};
  Ruling ruling = rule(at);
  if (decision_accepted(ruling.decision)) deliver(at);
  return ruling;
}

/// With what was delivered for the sender before, as it is delivered now. What is replayed is not kept again: it was, or
/// is a dead letter on its way, and no replay can feed the next one.
void Decider::archive_delivery(const Case& at) {
  PartitionWork& work = work_of(at.frame.partition);
  if (work.archived.full()) return;  // more than a turn has
  work.archived.add({at.sender().id, at.target().id, at.message.type, at.message.id, at.envelope});
  ++counts_.archived;
}

/// As it was taken out, however full the queue is by now.
void Decider::return_letter(const FrameInTurn& frame, const Message& message, const std::string& reason) {
  bool takes_none = policy_.dead_letters_closed && !policy_.dead_letters_full;
  if (takes_none || !keep_dead_letters_) return void(++counts_.not_kept);
  auto attempts = static_cast<uint32_t>(frame.header.first_sequence - 1);
  dead_letters_.push_back(
      {message.envelope, frame.header.sender, message.target, message.id, reason, attempts, frame.header.timestamp});
}

}  // namespace mas::gateway
