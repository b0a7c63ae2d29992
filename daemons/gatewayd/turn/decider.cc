// The turn's decisions: frames, their messages, and what is collected.
#include "daemons/gatewayd/turn/decider.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "daemons/gatewayd/authz/priority.h"

namespace mas::gateway {
namespace {

constexpr size_t kInstancesOfSender = 4096;  // whose state has not expired
constexpr size_t kStateOfSender =
    4 * 1024 * 1024;                  // bytes that are remembered of a sender's instances, and written again
constexpr size_t kSmallState = 1024;  // an instance with no more goes on all the same
constexpr size_t kSpareDeliveries = 1024;
constexpr size_t kSparePieces = 2 * 1024;         // of one delivery
constexpr size_t kBytesBetweenLooks = 16 * 1024;  // at the clock, of envelopes; some tens of microseconds

/// @return microseconds; the last of all times for a deadline past it.
WallMicros micros_of(double seconds) {
  constexpr double kEnd = 9e12;
  return seconds < kEnd ? static_cast<WallMicros>(seconds * 1e6) : std::numeric_limits<WallMicros>::max();
}

}  // namespace

void Decider::start(const std::vector<Partition*>& partitions, WallMicros now, MonoTime mono) {
  partitions_ = partitions;
  now_ = now;
  mono_ = mono;
  ++turn_;
  needing_ = false;
  next_frame_ = next_message_ = 0;
  circuits_.start(now, turn_);
  work_.resize(partitions.size());
  for (PartitionWork* work : active_) {
    work->active = false;
    work->elements = 0;
    work->retries.clear();
    work->spent.clear();
    work->limiters.clear();
    work->instances.clear();
    work->archived.clear();
    work->archive_entry.clear();
  }
  active_.clear();
  for (const Delivery& delivery : deliveries_) delivery.inbox->backlog.forget_senders();  // they were not sent
  recycle(deliveries_);
  const size_t chunks = heads_.chunks();
  heads_.clear();
  chunks_.shrink(chunks);
  dead_letters_.clear();
  unproven_.clear();
  receipts_.clear();
  texts_.clear();
  counts_ = {};
  if (dlp_ != nullptr) dlp_->clear_counts();
}

/// Their lists are filled again.
void Decider::recycle(std::vector<Delivery>& deliveries) {
  for (auto& delivery : deliveries) {
    delivery.pieces.clear();
    if (delivery.pieces.capacity() <= kSparePieces && spare_pieces_.size() < kSpareDeliveries)
      spare_pieces_.push_back(std::move(delivery.pieces));
  }
  deliveries.clear();
}

void Decider::shrink() {
  if (crowded()) reply_inboxes_.clear();
}

PartitionWork& Decider::work_of(unsigned partition) {
  auto& work = work_[partition];
  if (work == nullptr) work = std::make_unique<PartitionWork>();
  if (std::exchange(work->active, true)) return *work;
  Partition& owned = *partitions_[partition];
  work->partition = &owned;
  work->audit.begin(partition, owned.epoch_number, owned.next_block, owned.previous_hash, now_, policy_.digest, ns_);
  active_.push_back(work.get());
  return *work;
}

// ---- Frames

bool Decider::decide_some(Batch& batch, MonoTime until) {
  while (next_frame_ < batch.frames().size()) {
    if (!decide_frame(batch, batch.frames()[next_frame_], until)) return false;
    ++next_frame_;
    if (mono_now() >= until) return false;
  }
  for (const auto& due : batch.due()) decide_due(due);
  if (!policy_.memory_low) record_summaries();
  return true;
}

/// @return whether all of it is decided; else it goes on with next_message_.
bool Decider::decide_frame(Batch& batch, FrameInTurn& frame, MonoTime until) {
  PartitionWork& work = work_of(frame.partition);
  if (next_message_ > 0 || begin_frame(batch, frame, work)) return decide_messages(batch, frame, work, until);
  return true;
}

/// @return whether its messages are to be decided one by one; else the frame is done with.
bool Decider::begin_frame(Batch& batch, FrameInTurn& frame, PartitionWork& work) {
  ++work.elements;
  if (proven_replay(batch, frame)) return decide_replayed(batch, frame, work), false;
  if (policy_.memory_low) return refuse_frame(work, frame, Decision::kUnavailable, "Redis is short of memory"), false;
  if (frame.fault) {
    ++counts_.poison;
    return refuse_frame(work, frame, frame.fault->decision, frame.fault->text), false;
  }
  if (partition_of(frame.header.sender, partitions_.size()) != frame.partition)
    return refuse_frame(work, frame, Decision::kUnavailable, "the frame is in a partition that is not its sender's"),
           false;

  digests_.clear();
  for (size_t i = 0; i < frame.count; ++i) digests_.push_back(sha256(batch.messages()[frame.first + i].envelope));
  AuthResult known = authenticate({frame.header, frame.mac, batch.records_of(frame)}, ns_, frame.partition, digests_,
                                  frame.sender_facts->secrets, policy_.auth, now_, scratch_);
  if (known.decision == Decision::kReplayed)
    known.detail = say(describe_drift(frame.header.timestamp, policy_.auth, now_));
  if (!known.ok()) return refuse_frame(work, frame, known.decision, known.detail), false;
  return begin_messages(frame, work);
}

bool Decider::begin_messages(const FrameInTurn& frame, PartitionWork& work) {
  Partition& partition = *work.partition;
  const std::string& id = frame.sender_facts->id;
  Sender& sender = partition.sender(id);
  if (!sender.instances.contains(view_of(frame.header.instance.bytes))) {
    if (frame.header.first_sequence != 1) return refuse_start(frame), false;
    if (sender.instances.size() >= kInstancesOfSender)
      return refuse_frame(work, frame, Decision::kUnavailable, "too many instances of this sender"), false;
  }
  Sender::Instance& instance = partition.instance(sender, id, frame.header.instance, keys_);
  if (sender.state_bytes > kStateOfSender && instance.bytes > kSmallState)
    return refuse_frame(work, frame, Decision::kUnavailable, "too many refusals of this sender's instances"), false;
  if (!std::exchange(instance.changed, true)) work.instances.push_back(&instance);
  instance.state.touch(now_);

  const uint64_t sequence = frame.header.first_sequence;
  receipt_ = {ReceiptKind::kDecided, frame.header.id, sequence, static_cast<uint32_t>(frame.count), {}};
  if (instance.state.standing(sequence) != Standing::kGap) return true;
  ++counts_.gaps;
  receipt_ = {ReceiptKind::kResendFrom, frame.header.id, instance.state.last() + 1, 0, {}};
  push_receipt(instance.receipts, receipt_);
  return false;
}

/// @return whether all are decided; else the time is over, and next_message_ is the next one.
bool Decider::decide_messages(Batch& batch, const FrameInTurn& frame, PartitionWork& work, MonoTime until) {
  const std::string& id = frame.sender_facts->id;
  Sender& sender = work.partition->sender(id);
  Sender::Instance& instance = work.partition->instance(sender, id, frame.header.instance, keys_);
  size_t bytes = 0;
  for (size_t i = std::exchange(next_message_, 0); i < frame.count; ++i) {
    if (bytes >= kBytesBetweenLooks && std::exchange(bytes, 0) > 0 && mono_now() >= until) {
      next_message_ = i;
      return false;
    }
    const uint64_t sequence = frame.header.first_sequence + i;
    const Message& message = batch.messages()[frame.first + i];
    bytes += message.envelope.size();
    Ruling ruling;
    if (instance.state.standing(sequence) == Standing::kDecided) {
      ++counts_.repeated;
      ruling.decision = instance.state.decision(sequence);
    } else if (message.report != nullptr) {
      ruling = rule_report(frame, message, sender, work);
      instance.state.decide(ruling.decision);
      detected_ = {};
      shadow_.reset();
      bool refused = !decision_accepted(ruling.decision) && ruling.decision != Decision::kUnavailable;
      if (refused) ++counts_.decisions[static_cast<uint8_t>(ruling.decision)];
      if (refused && recorded(work, frame, sender, ruling.decision))
        record(work, frame, message, sequence, digests_[i], ruling);
    } else {
      shadow_.reset();
      detected_ = {};
      Case at{frame, message, work, &sender, message.envelope};
      ruling = rule(at);
      if (decision_accepted(ruling.decision)) deliver(at);
      instance.state.decide(ruling.decision);
      ++counts_.messages;
      counts_.bytes += message.envelope.size();
      ++counts_.decisions[static_cast<uint8_t>(ruling.decision)];
      if (decision_accepted(ruling.decision) || recorded(work, frame, sender, ruling.decision))
        record(work, frame, message, sequence, digests_[i], ruling);
    }
    if (ruling.decision == Decision::kAllowed) continue;
    std::string_view detail = decision_accepted(ruling.decision) ? std::string_view() : ruling.reason;
    receipt_.outcomes.push_back({static_cast<uint32_t>(i), ruling.decision, ruling.retry_after_ms, detail});
  }
  push_receipt(instance.receipts, receipt_);
  return true;
}

// ---- Messages

/// Asks one stage after the other, until one refuses.
Decider::Ruling Decider::rule(Case& at) {
  walk_stages<Decider>([&](auto number) {
    constexpr const PolicyStage<Decider>& kStage = kStages<Decider>[number];
    const Mode mode = mode_of(kStage, policy_);
    if (mode == Mode::kOff) return true;
    const Ruling ruling = (this->*kStage.judged)(at);
    if (decision_accepted(ruling.decision)) {
      if (ruling.decision != Decision::kAllowed) at.ruling.decision = ruling.decision;
      if (!ruling.reason.empty()) at.ruling.reason = ruling.reason;
      return true;
    }
    if (mode == Mode::kEnforce) {
      at.ruling = ruling;
      return false;
    }
    note_shadow(ruling);
    return true;
  });
  return at.ruling;
}

/// A stage in shadow mode would have decided that. The first one of a message is remembered.
void Decider::note_shadow(const Ruling& ruling) {
  ++counts_.shadow;
  if (!shadow_) shadow_ = audit::AuditRecord::Shadow{ruling.decision, ruling.reason};
}

Decider::Ruling Decider::decode(Case& at) {
  if (!at.message.fault) return {};
  return {at.message.fault->decision, at.message.fault->text};
}

/// A frame was authenticated as a whole before any of its messages is looked at. What is replayed comes from a gateway: its
/// sender may have been revoked meanwhile.
Decider::Ruling Decider::identity(Case& at) {
  if (at.memory != nullptr) return {};
  AuthResult standing = check_replayed(at.frame.header, at.sender().secrets, policy_.auth, now_);
  if (!standing.ok()) return {standing.decision, standing.detail};
  at.memory = &at.work.partition->sender(at.sender().id);
  return {};
}

/// The block list holds for replies, too; else a ticket lets a reply through to who asked.
Decider::Ruling Decider::authorisation(Case& at) {
  Verdict verdict = authorise(at.target().id, at.sender().rules, at.sender().roles, policy_.default_rule);
  if (verdict.allowed) return {};
  if (at.message.answers && verdict.rule != Rule::kBlocked && verdict.rule != Rule::kUnreadable) return {};
  return {Decision::kAuthzDenied, say(verdict.describe())};
}

/// Replies with a ticket go to the instance that asked, whose streams and state are its own: no breaker is asked.
Decider::Ruling Decider::target(Case& at) {
  Agent& target = at.target();
  bool takes_part = target.registered && target.gateway_mode;
  bool admitted =
      target.secrets.found != SenderSecrets::Found::kNone && target.secrets.state != IdentityState::kRevoked;
  const bool stopped = target.secrets.found == SenderSecrets::Found::kNone && !target.registered && target.has_stream;
  if (!takes_part && !admitted && !stopped)
    return {Decision::kTargetNotFound,
            target.registered ? "the target takes no part in gateway mode" : "no such agent is registered"};
  const bool active = takes_part && target.active;
  if (circuits_.on() && !at.message.answers) circuits_.seen(target, active);
  return {active ? Decision::kAllowed : Decision::kQueuedOffline, {}};
}

Decider::Ruling Decider::deadline(Case& at) {
  const auto& deadline = at.message.deadline;
  if (deadline && static_cast<double>(now_) / 1e6 > *deadline) return {Decision::kExpired, "the deadline has passed"};
  return {};
}

Decider::Ruling Decider::guard(Case& at) {
  const Message& message = at.message;
  GuardVerdict verdict = guard_.judge(
      {at.sender().id, at.target().id, message.conversation, message.chain, message.hops, message.answers}, now_);
  if (verdict.allowed()) return {};
  return {Decision::kLoopDetected, say(verdict.describe(policy_.guard))};
}

Decider::Ruling Decider::rate(Case& at) {
  const Agent& sender = at.sender();
  if (!sender.limits_problem.empty()) return {Decision::kRateLimited, sender.limits_problem};
  if (sender.limits.unlimited()) return {};
  TakeResult taken = take(at.memory->limiter, sender.limits, now_, at.message.envelope.size());
  if (!std::exchange(at.memory->limiter_changed, true)) at.work.limiters.emplace_back(sender.id, at.memory);
  if (taken.allowed) return {};
  return {Decision::kRateLimited, say(taken.describe(sender.limits)), taken.retry_after_ms()};
}

Decider::Ruling Decider::content(Case& at) {
  if (dlp_ == nullptr) return {Decision::kUnavailable, "data-loss prevention did not start"};
  const dlp::Stage::Outcome& outcome =
      dlp_->look(at.sender().id, at.target().id, at.message.envelope, at.message.content);
  detected_ = outcome.detected;
  if (policy_.dlp == Mode::kEnforce) at.envelope = outcome.envelope;
  if (outcome.decision == Decision::kAllowed) return {};
  if (policy_.dlp == Mode::kShadow && decision_accepted(outcome.decision)) {
    if (!shadow_) shadow_ = audit::AuditRecord::Shadow{outcome.decision, {}};
    return {};
  }
  return {outcome.decision, outcome.reason.empty() ? std::string_view() : say(outcome.reason)};
}

/// A replay that is refused becomes a dead letter again anyway.
Decider::Ruling Decider::circuit(Case& at) {
  if (at.message.answers || circuits_.admit(at.target()) != Admission::kRefuse) return {};
  const Breaker& breaker = at.target().breaker;
  const Ruling ruling{Decision::kCircuitOpen, say(breaker.describe()), breaker.retry_after_ms(now_)};
  const bool keep = policy_.breaker_mode == Mode::kEnforce && policy_.breaker.on_open == OnOpen::kDeadLetter;
  if (keep && !at.frame.replay) keep_undelivered(at, std::string(ruling.reason));
  return ruling;
}

/// A message that takes, or in shadow mode would take, another lane than it asked for is audited with the reason.
Decider::Ruling Decider::lane(Case& at) {
  const Lane wanted = at.message.wanted;
  if (wanted >= policy_.highest_lane || at.message.answers) return {};
  const Lane highest = highest_lane(at.sender().roles, policy_.highest_lane);
  if (wanted >= highest) return {};
  std::string_view reason =
      say("priority: " + std::string(lane_name(wanted)) + ", at most " + std::string(lane_name(highest)));
  if (policy_.priorities == Mode::kEnforce) return {Decision::kAllowed, reason};
  note_shadow({at.ruling.decision, reason});
  return {};
}

void Decider::keep_undelivered(const Case& at, std::string reason) {
  dead_letter({lasting(at), at.sender().id, at.target().id, at.message.id, std::move(reason)});
}

/// What was made of a message is there until the next one is looked at, the message itself as long as the turn.
std::string_view Decider::lasting(const Case& at) {
  bool same = at.envelope.data() == at.message.envelope.data();
  return same ? at.envelope : say(std::string(at.envelope));
}

// ---- What is collected

void Decider::deliver(Case& at) {
  std::string ticket;
  if (at.message.expects_reply && !at.message.is_reply && !at.frame.replay) {  // else nobody waits any more
    TicketClaim claim{at.sender().id, at.frame.header.instance, at.target().id, at.message.correlation_id};
    auto window = std::chrono::duration_cast<std::chrono::microseconds>(policy_.reply_window).count();
    claim.expires = at.message.deadline ? micros_of(*at.message.deadline) : now_ + window;
    tickets_.issue(ticket, claim);
  }
  Backlog& backlog = at.message.inbox->backlog;
  if (backlog.counts_senders()) backlog.add_sender(at.sender().id, at.envelope.size());
  Delivery& delivery = delivery_for(*at.message.inbox, at.envelope.size());
  add_record(delivery, lasting(at), ticket, at.message.flags & Record::kReplayed);
  if (archive_key_ != nullptr && !at.frame.replay) archive_delivery(at);
}

/// The entry that fills for the message's stream; another one when it is full.
Delivery& Decider::delivery_for(Inbox& inbox, size_t bytes) {
  if (std::exchange(inbox.turn, turn_) != turn_) inbox.slot = SIZE_MAX;
  if (inbox.slot != SIZE_MAX) {
    Delivery& open = deliveries_[inbox.slot];
    if (open.records < limits::kFrameRecords && open.bytes + bytes <= limits::kFrameBytes) return open;
  }
  return fresh_delivery(inbox);
}

Delivery& Decider::fresh_delivery(Inbox& inbox) {
  inbox.slot = deliveries_.size();
  Delivery& fresh = deliveries_.emplace_back();
  fresh.key = inbox.key;
  fresh.inbox = &inbox;
  if (!spare_pieces_.empty()) {
    fresh.pieces = std::move(spare_pieces_.back());
    spare_pieces_.pop_back();
  }
  return fresh;
}

/// @param envelope must be there until the turn is committed.
void Decider::add_record(Delivery& delivery, std::string_view envelope, std::string_view ticket, uint8_t flags,
                         std::string_view retry) {
  scratch_.clear();
  if (delivery.records == 0) scratch_.push_back(static_cast<char>(kEntryVersion));
  append_record_head(scratch_, envelope.size(), ticket, flags, retry);
  delivery.pieces.insert(delivery.pieces.end(), {heads_.keep(scratch_), envelope});
  delivery.bytes += scratch_.size() + envelope.size();
  ++delivery.records;
}

void Decider::record(PartitionWork& work, const FrameInTurn& frame, const Message& message, uint64_t sequence,
                     const Digest& digest, const Ruling& ruling) {
  audit::AuditRecord record;
  record.time = now_;
  record.message_id = message.id;
  record.sender = frame.header.sender;
  record.target = message.target;
  record.type = message.type;
  record.decision = ruling.decision;
  record.reason = ruling.reason;
  record.instance = frame.header.instance;
  record.sequence = sequence;
  record.payload = payload_key_.tag(view_of(digest));
  record.detectors = detected_;
  record.shadow = shadow_;
  work.audit.add(record);
}

void Decider::dead_letter(const DeadLetter& letter) {
  if (!letters_kept()) return void(++counts_.not_kept);
  dead_letters_.push_back(letter);
}

std::string_view Decider::say(std::string text) {
  return *texts_.emplace_back(std::make_unique<std::string>(std::move(text)));
}

void Decider::push_receipt(std::string_view channel, const ReceiptMessage& receipt) {
  PendingReceipt& pending = receipts_.emplace_back();
  pending.channel = channel;
  append_receipt(pending.bytes, receipt);
}

void Decider::finish() {
  circuits_.finish();
  auto silence = std::chrono::duration_cast<std::chrono::microseconds>(2 * policy_.auth.drift).count();
  for (PartitionWork* work : active_) {
    work->removed = work->partition->take_forgettable(now_ - silence);
    if (archive_key_ != nullptr && work->archived.records() > 0)
      work->archive_entry = work->archived.finish(*archive_key_, work->partition->archive_key, now_);
    work->block = work->audit.empty() ? audit::BlockBuilder::Finished() : work->audit.finish();
    if (!work->block.bytes.empty()) {
      ++work->partition->next_block;
      work->partition->previous_hash = work->block.hash;
    }
    work->fields.clear();
    for (auto& [id, sender] : work->limiters) {
      sender->limiter_changed = false;
      sender->limiter.encode(work->fields.emplace_back(limiter_field(id), std::string()).second);
    }
    for (Sender::Instance* instance : work->instances) {
      instance->changed = false;
      std::string& bytes = work->fields.emplace_back(instance->field, std::string()).second;
      instance->state.append_to(bytes);
      instance->owner->wrote(*instance, bytes.size());
    }
    work->wrote = work->instances.empty() ? nullptr : work->instances.back();
    work->limiters.clear();
    work->instances.clear();
  }
}

void Decider::seal(SealedTurn& ret_sealed) {
  recycle(ret_sealed.deliveries);
  std::swap(ret_sealed.deliveries, deliveries_);
  ret_sealed.counts = counts_;
  ret_sealed.audit_blocks = 0;
  for (const PartitionWork* work : active_) ret_sealed.audit_blocks += work->block.bytes.empty() ? 0 : 1;
  ret_sealed.findings.clear();
  ret_sealed.suppressed = 0;
  if (dlp_ != nullptr) {
    ret_sealed.findings = dlp_->counts();
    ret_sealed.suppressed = dlp_->suppressed();
  }
  for (const Delivery& delivery : ret_sealed.deliveries) {
    delivery.inbox->under_way.records += delivery.records;
    delivery.inbox->under_way.bytes += delivery.bytes;
  }
  circuits_.sent();
}

void Decider::dropped(SealedTurn& sealed) {
  circuits_.dropped();
  for (const Delivery& delivery : sealed.deliveries) {
    delivery.inbox->under_way = {};
    delivery.inbox->backlog.forget_senders();
  }
  recycle(sealed.deliveries);
}

/// A stream's length counts up by what was added to it, once it was.
void Decider::committed(SealedTurn& sealed) {
  circuits_.committed();
  for (const Delivery& delivery : sealed.deliveries) {
    delivery.inbox->under_way = {};
    delivery.inbox->backlog.add(delivery.records, delivery.bytes);
  }
  recycle(sealed.deliveries);
}

}  // namespace mas::gateway
