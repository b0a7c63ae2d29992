// Dead letters and archived messages that are replayed: through the policy of today, or back to where they were.
#include "daemons/gatewayd/turn/replayed_frames.h"

#include <utility>

namespace mas::gateway {

/// Looked at once, as each pass comes by again.
bool ReplayedFrames::takes(const Batch& batch, size_t number) {
  const FrameInTurn& frame = batch.frames()[number];
  if (!frame.replay || frame.fault || frame.count != 1) return false;
  std::optional<bool>& proven = turn_.lookups.frames[number].proven;
  if (proven) return *proven;
  Digest digest = sha256(batch.messages()[frame.first].envelope);
  proven = signature_fits({frame.header, frame.mac, batch.records_of(frame)}, turn_.ns, frame.partition, {&digest, 1},
                          turn_.replay_key, turn_.scratch);
  return *proven;
}

bool ReplayedFrames::need(const Batch& batch, size_t number, MonoTime) {
  const FrameInTurn& frame = batch.frames()[number];
  needs_.target(frame, batch.messages()[frame.first], turn_.lookups.frames[number],
                turn_.lookups.messages[frame.first]);
  return true;
}

/// @return what the frame comes from, for the audit.
std::string ReplayedFrames::why(const FrameInTurn& frame) {
  if (!frame.verdict) return "replayed";
  const std::string who(frame.verdict->who);
  switch (frame.verdict->verdict) {
    case Verdict::kGranted:
      return "granted by " + who;
    case Verdict::kDenied:
      return "denied by " + who;
    case Verdict::kExpired:
      break;
  }
  return "held, and neither granted nor denied in time";
}

/// @return whether the frame ends a held message without a decision by the policy.
bool ReplayedFrames::ended(const FrameInTurn& frame) {
  return frame.verdict && frame.verdict->verdict != Verdict::kGranted;
}

bool ReplayedFrames::decide(const Batch& batch, size_t number, MonoTime) {
  const FrameInTurn& frame = batch.frames()[number];
  const Message& message = batch.messages()[frame.first];
  PartitionWork& work = turn_.result.work_of(frame.partition);
  MessageCase at{
      frame,   message,         turn_.lookups.messages[frame.first], turn_.lookups.frames[number].sender, work,
      nullptr, message.envelope};
  ++work.elements;
  judge(at);
  Counts& counts = turn_.result.counts();
  ++counts.messages;
  if (!frame.verdict) ++(frame.from_archive ? counts.archive_replayed : counts.replayed);
  counts.bytes += message.envelope.size();
  counts.decided(at.ruling.decision);
  std::string said = why(frame);
  if (at.ruling.refuses() && !ended(frame)) said.append(": ").append(decision_text(at.ruling.decision));
  if (!at.ruling.reason.empty()) said.append(": ").append(at.ruling.reason);
  // What comes from the archive was delivered once, and is still there: it is no letter. Nor is what is held (again).
  const bool kept = frame.from_archive || ended(frame) || at.ruling.decision == Decision::kHeld;
  if (at.ruling.refuses() && !kept) return_letter(at, said);
  at.ruling.reason = turn_.result.keep(std::move(said));
  if (!turn_.policy.memory_low || frame.verdict)
    recorder_.message(at, frame.header.first_sequence, sha256(message.envelope));
  return true;
}

void ReplayedFrames::judge(MessageCase& at) {
  at.granted = at.frame.verdict && at.frame.verdict->verdict == Verdict::kGranted;
  if (ended(at.frame))
    at.ruling.decision = at.frame.verdict->verdict == Verdict::kDenied ? Decision::kAuthzDenied : Decision::kExpired;
  else if (turn_.policy.memory_low)
    at.ruling = {Decision::kUnavailable, "Redis is short of memory"};
  else if (!turn_.in_its_partition(at.frame))
    at.ruling = {Decision::kUnavailable, "the frame is in a partition that is not its sender's"};
  else
    stages_.decide(at);
}

/// As it was taken out, however full the queue is by now.
void ReplayedFrames::return_letter(const MessageCase& at, std::string reason) {
  bool takes_none = turn_.policy.dead_letters_closed && !turn_.policy.dead_letters_full;
  if (takes_none || !turn_.keep_dead_letters) return void(++turn_.result.counts().not_kept);
  const FrameHeader& header = at.frame.header;
  auto attempts = static_cast<uint32_t>(header.first_sequence - 1);
  turn_.result.add_letter({at.frame.partition, at.message.envelope, header.sender, at.message.target, at.message.id,
                           std::move(reason), attempts, header.timestamp});
}

}  // namespace mas::gateway
