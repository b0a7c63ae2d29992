// Frames of agents: authenticated and numbered as a whole, decided message by message.
#include "daemons/gatewayd/turn/fresh_frames.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mas::gateway {
namespace {

constexpr size_t kInstancesOfSender = 4096;  // whose state has not expired
constexpr size_t kStateOfSender =
    4 * 1024 * 1024;                  // bytes that are remembered of a sender's instances, and written again
constexpr size_t kSmallState = 1024;  // an instance with no more goes on all the same
constexpr size_t kBytesBetweenLooks = 16 * 1024;  // at the clock, of envelopes; some tens of microseconds
constexpr size_t kNeedsBetweenLooks = 64;         // likewise, of messages

}  // namespace

/// First who it is, then what it wants: a stranger makes the gateway look at nobody but himself.
bool FreshFrames::need(const Batch& batch, size_t number, MonoTime until) {
  const FrameInTurn& frame = batch.frames()[number];
  FrameLookup& from = turn_.lookups.frames[number];
  if (next_need_ == 0 && !known_credential(frame, from)) return true;
  size_t decoded = 0;  // bytes since the last look at the clock
  for (size_t i = next_need_; i < frame.count;) {
    const size_t index = frame.first + i;
    const Message& message = batch.messages()[index];
    if (message.report == nullptr) {
      needs_.target(frame, message, from, turn_.lookups.messages[index]);
    } else if (!message.fault) {
      // What is false by now may be true after a read. Until then nothing is read for reports: the places are few.
      from.authentic = from.authentic || authenticated(batch, frame, from).ok();
      if (from.authentic) decoded += reports_.need(frame, message, from, turn_.lookups.reports[index]);
    }
    ++i;
    if (i % kNeedsBetweenLooks != 0 && decoded < kBytesBetweenLooks) continue;
    decoded = 0;
    if (mono_now() >= until) {
      next_need_ = i;
      return false;
    }
  }
  next_need_ = 0;
  return true;
}

bool FreshFrames::known_credential(const FrameInTurn& frame, const FrameLookup& found) const {
  const AgentFacts& sender = *found.sender;
  const HmacKey* key = nullptr;
  return sender.knows(kPresence | kIdentity) &&
         check_credential(frame.header, sender.secrets, turn_.policy.auth, turn_.now, &key).ok();
}

AuthResult FreshFrames::authenticated(const Batch& batch, const FrameInTurn& frame, const FrameLookup& found) {
  digests_.clear();
  for (size_t i = 0; i < frame.count; ++i) digests_.push_back(sha256(batch.messages()[frame.first + i].envelope));
  return authenticate({frame.header, frame.mac, batch.records_of(frame)}, turn_.ns, frame.partition, digests_,
                      found.sender->secrets, turn_.policy.auth, turn_.now, turn_.scratch);
}

bool FreshFrames::decide(const Batch& batch, size_t number, MonoTime until) {
  const FrameInTurn& frame = batch.frames()[number];
  const FrameLookup& found = turn_.lookups.frames[number];
  PartitionWork& work = turn_.result.work_of(frame.partition);
  return !(amid() || begin(batch, frame, found, work)) || decide_messages(batch, frame, found, work, until);
}

/// @return whether its messages are to be decided one by one; else the frame is done with.
bool FreshFrames::begin(const Batch& batch, const FrameInTurn& frame, const FrameLookup& found, PartitionWork& work) {
  ++work.elements;
  if (turn_.policy.memory_low) return refuse(work, frame, Decision::kUnavailable, "Redis is short of memory"), false;
  if (frame.fault) {
    ++turn_.result.counts().poison;
    return refuse(work, frame, frame.fault->decision, frame.fault->text), false;
  }
  if (!turn_.in_its_partition(frame))
    return refuse(work, frame, Decision::kUnavailable, "the frame is in a partition that is not its sender's"), false;
  AuthResult known = authenticated(batch, frame, found);
  if (known.decision == Decision::kReplayed)
    known.detail = turn_.result.keep(describe_drift(frame.header.timestamp, turn_.policy.auth, turn_.now));
  if (!known.ok()) return refuse(work, frame, known.decision, known.detail), false;
  return begin_messages(frame, found, work);
}

bool FreshFrames::begin_messages(const FrameInTurn& frame, const FrameLookup& found, PartitionWork& work) {
  Partition& partition = *work.partition;
  const std::string& id = found.sender->id;
  Sender& sender = partition.sender(id);
  if (!sender.instances.contains(view_of(frame.header.instance.bytes))) {
    if (frame.header.first_sequence != 1) return refuse_start(frame), false;
    if (sender.instances.size() >= kInstancesOfSender)
      return refuse(work, frame, Decision::kUnavailable, "too many instances of this sender"), false;
  }
  Sender::Instance& instance = partition.instance(sender, id, frame.header.instance, turn_.keys);
  if (sender.state_bytes > kStateOfSender && instance.bytes > kSmallState)
    return refuse(work, frame, Decision::kUnavailable, "too many refusals of this sender's instances"), false;
  if (!std::exchange(instance.changed, true)) work.instances.push_back(&instance);
  instance.state.touch(turn_.now);

  const uint64_t sequence = frame.header.first_sequence;
  receipt_ = {ReceiptKind::kDecided, frame.header.id, sequence, static_cast<uint32_t>(frame.count), {}};
  if (instance.state.standing(sequence) != Standing::kGap) return true;
  ++turn_.result.counts().gaps;
  receipt_ = {ReceiptKind::kResendFrom, frame.header.id, instance.state.last() + 1, 0, {}};
  turn_.result.add_receipt(frame.partition, instance.receipts, receipt_);
  return false;
}

/// @return whether all are decided; else the time is over, and next_message_ is the next one.
bool FreshFrames::decide_messages(const Batch& batch, const FrameInTurn& frame, const FrameLookup& found,
                                  PartitionWork& work, MonoTime until) {
  const std::string& id = found.sender->id;
  Sender& sender = work.partition->sender(id);
  Sender::Instance& instance = work.partition->instance(sender, id, frame.header.instance, turn_.keys);
  size_t bytes = 0;
  for (size_t i = std::exchange(next_message_, 0); i < frame.count; ++i) {
    if (bytes >= kBytesBetweenLooks && std::exchange(bytes, 0) > 0 && mono_now() >= until) {
      next_message_ = i;
      return false;
    }
    const uint64_t sequence = frame.header.first_sequence + i;
    const size_t index = frame.first + i;
    const Message& message = batch.messages()[index];
    bytes += message.envelope.size();
    MessageCase at{frame, message, turn_.lookups.messages[index], found.sender, work, &sender, message.envelope};
    if (instance.state.standing(sequence) == Standing::kDecided) {
      ++turn_.result.counts().repeated;
      at.ruling.decision = instance.state.decision(sequence);
    } else {
      decide(at, index, sequence, digests_[i]);
      instance.state.decide(at.ruling.decision);
    }
    const Ruling& ruling = at.ruling;
    if (ruling.decision == Decision::kAllowed) continue;
    std::string_view detail = ruling.refuses() ? ruling.reason : std::string_view();
    receipt_.outcomes.push_back({static_cast<uint32_t>(i), ruling.decision, ruling.retry_after_ms, detail});
  }
  turn_.result.add_receipt(frame.partition, instance.receipts, receipt_);
  return true;
}

/// A report is no message: it is counted and recorded only where it is refused for good.
/// @param index of the message in Batch::messages().
void FreshFrames::decide(MessageCase& at, size_t index, uint64_t sequence, const Digest& envelope) {
  Counts& counts = turn_.result.counts();
  bool recorded = true;
  if (at.message.report != nullptr) {
    reports_.decide(at, turn_.lookups.reports[index]);
    recorded = at.ruling.refuses() && at.ruling.decision != Decision::kUnavailable;
    if (recorded) counts.decided(at.ruling.decision);
  } else {
    stages_.decide(at);
    ++counts.messages;
    counts.bytes += at.message.envelope.size();
    counts.decided(at.ruling.decision);
  }
  const bool always = !at.ruling.refuses() || at.ruling.decision == Decision::kHeld;
  if (recorded && (always || recorder_.within_budget(at))) recorder_.message(at, sequence, envelope);
}

// ---- Refused as a whole

std::string_view FreshFrames::receipts_of(const FrameInTurn& frame) {
  return turn_.result.keep(turn_.keys.receipts(frame.header.sender, frame.header.instance.hex()));
}

/// An instance that nothing is known of begins with number 1; until then there is nothing to remember.
void FreshFrames::refuse_start(const FrameInTurn& frame) {
  ++turn_.result.counts().gaps;
  receipt_ = {ReceiptKind::kResendFrom, frame.header.id, 1, 0, {}};
  turn_.result.add_receipt(frame.partition, receipts_of(frame), receipt_);
}

/// No number is used and no state is changed: whoever sent it has not shown who it is.
void FreshFrames::refuse(PartitionWork& work, const FrameInTurn& frame, Decision decision, std::string_view detail) {
  turn_.result.counts().decided(decision, std::max<size_t>(frame.count, 1));
  if (!turn_.policy.memory_low && recorder_.frame(work, frame, {decision, detail}) && frame.fault)
    keep_element(frame, detail);
  if (frame.header.sender.empty() || !check_agent_id(frame.header.sender).ok()) return;
  receipt_ = {ReceiptKind::kFrameRefused, frame.header.id, frame.header.first_sequence, 0, {}};
  receipt_.outcomes.push_back({0, decision, 0, detail});
  turn_.result.add_receipt(frame.partition, receipts_of(frame), receipt_);
}

void FreshFrames::keep_element(const FrameInTurn& frame, std::string_view detail) {
  if (!turn_.keep_unproven) return void(++turn_.result.counts().not_kept);
  std::string reason = "sender not proven: " + std::string(detail);
  if (frame.element.size() > kPoisonBytes) reason += "; the first bytes of " + std::to_string(frame.element.size());
  turn_.result.add_unproven(
      {frame.partition, frame.element.substr(0, kPoisonBytes), frame.header.sender, std::move(reason)});
}

}  // namespace mas::gateway
