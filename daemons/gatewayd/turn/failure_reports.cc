// Handlers that failed, as agents report them.
#include "daemons/gatewayd/turn/failure_reports.h"

#include <string>
#include <utility>

#include "proto/wire/limits.h"
#include "proto/wire/record_batch.h"

namespace mas::gateway {
namespace {

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

size_t FailureReports::need(const FrameInTurn& frame, const Message& message, const FrameLookup& from,
                            ReportLookup& found) {
  if (found.no_place || !partition_fits(*message.report)) return 0;
  const AgentFacts& sender = *from.sender;
  if (found.entry == nullptr) found.entry = turn_.lookups.entry_of(sender.id, *message.report);
  found.no_place = found.entry == nullptr;
  if (found.no_place) return 0;
  if (turn_.circuits.on()) turn_.facts.need(sender.id, kCircuit);
  needs_.entry(*found.entry);
  if (!found.entry->known) return 0;
  auto [it, fresh] = found.entry->requests.try_emplace(message.report->index);
  auto& [requester, correlation_id, conversation, ticket] = it->second;
  const size_t decoded = fresh ? decode_request(*found.entry, message.report->index, it->second) : 0;
  replies_.need(frame, from, {requester, correlation_id, conversation, {}, ticket}, found.reply);
  return decoded;
}

size_t FailureReports::decode_request(const ReportedEntry& entry, uint32_t index, ReportedRequest& ret_request) {
  auto record = record_at(entry.blob, index);
  if (!record || record->ticket.empty()) return 0;
  if (auto envelope = decoder_.decode(record->envelope, limits::kMaxEnvelopeBytes)) {
    const EnvelopeMeta& meta = envelope->meta;
    ret_request = {std::string(envelope->sender_id), std::string(meta.correlation_id),
                   std::string(meta.conversation_id), std::string(record->ticket)};
  }
  return record->envelope.size();
}

/// On a cluster a report says which of the reporter's streams it is about, elsewhere there is one.
bool FailureReports::partition_fits(const FailureReport& report) const {
  const bool on_cluster = turn_.keys.layout() == KeyLayout::kCluster;
  return on_cluster == report.partition.has_value() && report.partition.value_or(0) < turn_.partitions.size();
}

Ruling FailureReports::judge(MessageCase& at, const ReportLookup& found) {
  if (Ruling ruling = stages_.decode(at); ruling.refuses()) return ruling;
  if (!partition_fits(*at.message.report))
    return {Decision::kMalformed, "report of a failed handler: no such partition"};
  if (found.no_place) return {Decision::kUnavailable, "reports about too many entries at once; report again"};
  if (found.entry == nullptr) return {Decision::kUnavailable, "the entry was not read; report again"};
  if (turn_.policy.limits != Mode::kOff) {
    const Ruling rate = stages_.rate(at);
    if (rate.refuses() && turn_.policy.limits == Mode::kEnforce) return rate;
    if (rate.refuses()) ++turn_.result.counts().shadow;
  }
  const ReportedEntry& entry = *found.entry;
  if (entry.failed) return {Decision::kUnavailable, "the reporter's stream cannot be read; report again"};
  if (entry.blob.empty()) return {};  // it was acknowledged meanwhile, by an instance that reported the same before
  return judge_entry(at, found);
}

Ruling FailureReports::judge_entry(const MessageCase& at, const ReportLookup& found) {
  const FailureReport& report = *at.message.report;
  auto record = record_at(found.entry->blob, report.index);
  auto envelope = record ? decoder_.decode(record->envelope, limits::kMaxEnvelopeBytes)
                         : Result<Envelope>(Error{Errc::kMalformed, "no such message in the entry"});
  if (!envelope)
    return {Decision::kMalformed, turn_.result.keep("report of a failed handler: " + envelope.error().message)};
  if (envelope->target_id != at.from().id)
    return {Decision::kMalformed, "report of a failed handler: the message is not the reporter's"};
  const Partition& partition = *at.work.partition;
  if (partition.reports.contains(at.from().id, report)) return {};
  const bool room = partition.retries < turn_.policy.max_retries;
  if (!room && !turn_.letters_kept())
    return {Decision::kUnavailable, "too many messages wait, and the dead-letter queue accepts no entry; report again"};
  return take(at, found, *record, *envelope, room);
}

/// @param room whether one more may wait.
Ruling FailureReports::take(const MessageCase& at, const ReportLookup& found, const Record& record,
                            const Envelope& envelope, bool room) {
  const FailureReport& report = *at.message.report;
  AgentFacts& agent = at.from();
  WaitingRetry waiting;
  waiting.flags = record.flags;
  waiting.lane = report.lane;
  waiting.index = report.index;
  waiting.agent = agent.id;
  waiting.entry = report.entry;
  waiting.state.first = *time_of_entry(report.entry);
  if (auto state = RetryState::decode(record.retry)) waiting.state = *state;
  waiting.ticket = record.ticket;
  waiting.envelope = record.envelope;
  RetryPolicy policy = turn_.policy.retry;
  policy.attempts = retries_.attempts_of(agent);
  RetryVerdict verdict = retry_failed(waiting.state, policy, turn_.now, retry_seed(envelope.message_id));
  const bool again = verdict.again && room;
  if (!again && ErrorReplies::wanted(found.reply) && !ErrorReplies::room(at.work))
    return {Decision::kUnavailable, "too many requests are given up at once; report again"};
  at.work.partition->reports.add(agent.id, report);
  ++turn_.result.counts().failures;
  if (turn_.circuits.on()) turn_.circuits.reported(agent, report.handled);
  if (again)
    retries_.wait(at.work, waiting, verdict.due);
  else
    give_up(at, found, record, envelope, waiting, room);
  return {};
}

void FailureReports::give_up(const MessageCase& at, const ReportLookup& found, const Record& record,
                             const Envelope& envelope, const WaitingRetry& waiting, bool room) {
  const FailureReport& report = *at.message.report;
  AgentFacts& agent = at.from();
  DueRetry about;
  about.sender = envelope.sender_id;
  about.id = envelope.message_id;
  about.type = envelope.message_type;
  std::string reason = "handler failed: " + std::string(report.reason);
  if (!room) reason += "; too many messages wait to be delivered again";
  if (!retries_.give_up(at.work, waiting, about, Decision::kHandlerFailed, std::move(reason))) return;
  replies_.send(at.frame, agent, at.work, UnansweredRequest::of(envelope, record.ticket), found.reply,
                Errc::kHandlerFailed, report.reason);
  // An entry of its own goes with the letter: the same report, made again, makes no other.
  if (record.retry.empty()) return;
  const unsigned partition = turn_.keys.placed(report.partition.value_or(0));
  const bool elsewhere = partition != turn_.keys.placed(at.frame.partition);
  at.work.spent.push_back(
      {turn_.result.keep(turn_.keys.inbox(agent.id, report.lane, partition)), found.entry->id, elsewhere});
}

}  // namespace mas::gateway
