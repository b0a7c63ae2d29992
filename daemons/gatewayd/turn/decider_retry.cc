// Handlers that failed: what agents report, what is due to be delivered again, and what is given up.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/decider.h"
#include "proto/wire/record_batch.h"

namespace mas::gateway {
namespace {

constexpr WallMicros kPostponed = 1'000'000;

WallMicros micros(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

/// @return the record of that number; nullopt: the entry has none.
std::optional<Record> record_at(std::string_view blob, uint32_t index) {
  auto records = records_of_entry(blob);
  if (!records) return std::nullopt;
  RecordReader reader(*records);
  Record record;
  for (uint32_t i = 0; reader.next(record); ++i)
    if (i == index) return record;
  return std::nullopt;
}

}  // namespace

// ---- Reports

/// Before anything is read for its reports: the places for that are few. What is false by now may be true after a read.
bool Decider::authentic(const Batch& batch, FrameInTurn& frame) {
  if (frame.authentic) return true;
  digests_.clear();
  for (size_t i = 0; i < frame.count; ++i) digests_.push_back(sha256(batch.messages()[frame.first + i].envelope));
  frame.authentic = authenticate({frame.header, frame.mac, batch.records_of(frame)}, ns_, frame.partition, digests_,
                                 frame.sender_facts->secrets, policy_.auth, now_, scratch_)
                        .ok();
  return frame.authentic;
}

void Decider::need_entry(Batch& batch, FrameInTurn& frame, Message& message) {
  if (message.fault || !authentic(batch, frame)) return;
  if (message.entry == nullptr) message.entry = batch.entry_of(frame.sender_facts->id, *message.report);
  if (message.entry == nullptr) {
    message.fault = Fault{Decision::kUnavailable, "reports about too many entries at once; report again"};
    return;
  }
  if (circuits_.on()) facts_.need(frame.sender_facts->id, kCircuit);
  ReportedEntry& entry = *message.entry;
  if (!entry.known && std::exchange(entry.asked, looks_) != looks_) wanted_entries_.push_back(&entry);
}

/// A report uses a number of its sender's as any message does, but it is none: it is audited only by what follows from it.
/// The entry is the agent's own, so what it says of it concerns nobody else; that it is there is what makes it true.
/// It takes of its sender's limits what a message does.
Decider::Ruling Decider::rule_report(const FrameInTurn& frame, const Message& message, Sender& sender,
                                     PartitionWork& work) {
  if (message.fault) return {message.fault->decision, message.fault->text};
  if (message.entry == nullptr) return {Decision::kUnavailable, "the entry was not read; report again"};
  if (policy_.limits != Mode::kOff) {
    Case at{frame, message, work, &sender, message.envelope};
    const Ruling used = rate(at);
    if (!decision_accepted(used.decision)) {
      if (policy_.limits == Mode::kEnforce) return used;
      note_shadow(used);
    }
  }
  const FailureReport& report = *message.report;
  Agent& agent = *frame.sender_facts;
  ReportedEntry& entry = *message.entry;
  if (entry.failed) return {Decision::kUnavailable, "the reporter's stream cannot be read; report again"};
  if (entry.blob.empty()) return {};  // it was acknowledged meanwhile, by who reported the same before
  auto record = record_at(entry.blob, report.index);
  auto envelope = record ? decoder_.decode(record->envelope, limits::kMaxEnvelopeBytes)
                         : Result<Envelope>(Error{Errc::kMalformed, "no such message in the entry"});
  if (!envelope) return {Decision::kMalformed, say("report of a failed handler: " + envelope.error().message)};
  if (envelope->target_id != agent.id)
    return {Decision::kMalformed, "report of a failed handler: the message is not the reporter's"};

  if (work.partition->reports.contains(agent.id, report)) return {};
  const bool room = work.partition->retries < policy_.max_retries;
  if (!room && !letters_kept())
    return {Decision::kUnavailable, "too many messages wait, and the dead-letter queue takes none; report again"};

  work.partition->reports.add(agent.id, report);
  ++counts_.failures;
  if (circuits_.on()) circuits_.reported(agent, report.handled);
  WaitingRetry waiting;
  waiting.flags = record->flags;
  waiting.lane = report.lane;
  waiting.index = report.index;
  waiting.agent = agent.id;
  waiting.entry = report.entry;
  waiting.state.first = *time_of_entry(report.entry);
  if (auto state = RetryState::decode(record->retry)) waiting.state = *state;
  waiting.ticket = record->ticket;
  waiting.envelope = record->envelope;
  RetryPolicy policy = policy_.retry;
  policy.attempts = attempts_of(agent);
  RetryVerdict verdict = retry_failed(waiting.state, policy, now_, retry_seed(envelope->message_id));
  if (verdict.again && room) {
    wait_again(work, waiting, verdict.due);
    return {};
  }
  DueRetry about;
  about.sender = envelope->sender_id;
  about.id = envelope->message_id;
  about.type = envelope->message_type;
  std::string reason = "handler failed: " + std::string(report.reason);
  if (!room) reason += "; too many messages wait to be delivered again";
  // An entry of its own goes with the letter: the same report, made again, makes no other.
  const bool letter = give_up(work, waiting, about, Decision::kHandlerFailed, std::move(reason));
  if (letter && !record->retry.empty())
    work.spent.push_back({say(keys_.inbox(agent.id, report.lane, frame.partition)), entry.id});
  return {};
}

void Decider::wait_again(PartitionWork& work, const WaitingRetry& waiting, WallMicros due) {
  std::string member;
  waiting.encode(member);
  work.retries.push_back({say(std::move(member)), due});
  ++work.partition->retries;  // a little too many, where it waits already
  work.partition->next_retry = std::min(work.partition->next_retry, due);
}

/// @return whether it is a dead letter now. Where the queue takes none it goes on waiting: nothing is dropped.
bool Decider::give_up(PartitionWork& work, const WaitingRetry& waiting, const DueRetry& about, Decision decision,
                      std::string reason) {
  if (!letters_kept()) {
    wait_again(work, waiting, now_ + micros(policy_.retry.cap));
    return false;
  }
  std::string_view agent = say(std::string(waiting.agent)), sender = say(std::string(about.sender));
  std::string_view envelope = say(std::string(waiting.envelope)), id = say(std::string(about.id));
  dead_letters_.push_back({envelope, sender, agent, id, reason, waiting.state.attempts, waiting.state.first});
  ++counts_.decisions[static_cast<uint8_t>(decision)];
  audit::AuditRecord record;
  record.time = now_;
  record.message_id = id;
  record.sender = sender;
  record.target = agent;
  record.type = about.type;
  record.decision = decision;
  record.reason = dead_letters_.back().reason;
  record.payload = payload_key_.tag(view_of(sha256(envelope)));
  work.audit.add(record);
  return true;
}

// ---- What is due

void Decider::need_inbox(DueRetry& due, std::vector<Inbox*>& ret_inboxes) {
  if (!due.fault.empty()) return;
  due.agent = &facts_.need(due.waiting.agent, kLimits);
  Inbox& inbox = due.agent->inbox(due.waiting.lane);
  if (inbox.key.empty()) inbox.key = keys_.inbox(due.waiting.agent, due.waiting.lane, due.partition);
  due.inbox = &inbox;
  need_length(inbox, ret_inboxes);
}

/// It was accepted long ago: neither policy nor the bound of the backlog is asked again.
void Decider::decide_due(const DueRetry& due) {
  PartitionWork& work = work_of(due.partition);
  Partition& partition = *work.partition;
  if (policy_.memory_low) {
    partition.next_retry = now_ + kPostponed;
    return;
  }
  auto given_up = [&](Decision decision, std::string reason) {
    bool letter = give_up(work, due.waiting, due, decision, std::move(reason));
    if (!letter && partition.retries > 0) --partition.retries;  // it was among those that wait
    return letter;
  };
  if (!due.fault.empty()) {
    ++counts_.poison;
    dead_letter({due.member.substr(0, kPoisonBytes), {}, {}, {}, std::string(due.fault)});
  } else if (due.deadline && static_cast<double>(now_) / 1e6 > *due.deadline) {
    if (!given_up(Decision::kExpired, "the deadline has passed while it waited to be delivered again")) return;
  } else if (due.waiting.state.attempts >= attempts_of(*due.agent)) {  // it waited for room in the dead-letter queue
    if (!given_up(Decision::kHandlerFailed, "handler failed as often as it may")) return;
  } else if (!due.inbox->failing.empty()) {
    if (!given_up(Decision::kUnavailable, "the target's stream takes no entry: " + due.inbox->failing)) return;
  } else {
    redeliver(due);
  }
  work.retries.push_back({due.member, std::nullopt});
  if (partition.retries > 0) --partition.retries;
}

/// In an entry of its own, so that what fails again, or takes its process with it, takes nothing else along.
void Decider::redeliver(const DueRetry& due) {
  Delivery& delivery = fresh_delivery(*due.inbox);
  std::string state;
  due.waiting.state.encode(state);
  add_record(delivery, due.waiting.envelope, due.waiting.ticket, due.waiting.flags & Record::kReplayed, state);
  ++counts_.retried;
}

}  // namespace mas::gateway
