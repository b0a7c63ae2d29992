// The audit's records of a turn, and how much of what is refused is written.
#include "daemons/gatewayd/turn/recorder.h"

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/turn/error_replies.h"

namespace mas::gateway {
namespace {

constexpr size_t kMaxSummaries = 1000;  // of a partition in one turn; the block has to hold them
constexpr size_t kMaxOfDue = 128;       // likewise, what was due: its letters and their answers
static_assert(kPartitionMessages + kMaxSummaries + ErrorReplies::kMaxOfTurn + kMaxOfDue < audit::kBlockRecords);

}  // namespace

audit::AuditRecord Recorder::record_of(const FrameInTurn& frame, uint64_t sequence, const Digest& payload,
                                       const Ruling& ruling) const {
  audit::AuditRecord record;
  record.time = turn_.now;
  record.sender = frame.header.sender;
  record.decision = ruling.decision;
  record.reason = ruling.reason;
  record.instance = frame.header.instance;
  record.sequence = sequence;
  record.payload = turn_.payload_key.tag(view_of(payload));
  return record;
}

void Recorder::message(const MessageCase& at, uint64_t sequence, const Digest& envelope) {
  audit::AuditRecord record = record_of(at.frame, sequence, envelope, at.ruling);
  record.message_id = at.message.id;
  record.target = at.message.target;
  record.type = at.message.type;
  record.detectors = at.detected;
  record.shadow = at.shadow;
  at.work.audit.add(record);
}

bool Recorder::frame(PartitionWork& work, const FrameInTurn& frame, const Ruling& ruling) {
  Partition& partition = *work.partition;
  if (partition.strangers.take(ruling.decision, turn_.policy.refusal_records, turn_.now)) {
    work.audit.add(record_of(frame, frame.header.first_sequence, sha256(frame.element), ruling));
    return true;
  }
  ++turn_.result.counts().refusals_counted;
  partition.next_summary = std::min(partition.next_summary, partition.strangers.due());
  return false;
}

void Recorder::given_up(PartitionWork& work, const DeadLetter& letter, std::string_view type, Decision decision) {
  audit::AuditRecord record;
  record.time = turn_.now;
  record.message_id = letter.message_id;
  record.sender = letter.sender;
  record.target = letter.target;
  record.type = type;
  record.decision = decision;
  record.reason = letter.reason;
  record.payload = turn_.payload_key.tag(view_of(sha256(letter.payload)));
  work.audit.add(record);
}

bool Recorder::within_budget(const MessageCase& at) {
  Sender& sender = *at.memory;
  const bool counting = sender.refusals.counting();
  if (sender.refusals.take(at.ruling.decision, turn_.policy.refusal_records, turn_.now)) return true;
  ++turn_.result.counts().refusals_counted;
  Partition& partition = *at.work.partition;
  if (!counting) partition.counting.push_back({partition.senders.find(at.from().id)->first, &sender});
  partition.next_summary = std::min(partition.next_summary, sender.refusals.due());
  return false;
}

void Recorder::summaries() {
  for (Partition* partition : turn_.partitions) {
    if (partition == nullptr || !partition->summary_due(turn_.now)) continue;
    PartitionWork& work = turn_.result.work_of(partition->number);
    size_t written = 0;
    partition->next_summary = Partition::kNoSummary;
    if (partition->strangers.summary_due(turn_.now)) summary(work, {}, partition->strangers);
    std::erase_if(partition->counting, [&](const Partition::Counting& one) {
      if (!one.sender->refusals.summary_due(turn_.now) || written >= kMaxSummaries) return false;
      summary(work, one.id, one.sender->refusals);
      ++written;
      return true;
    });
    if (partition->strangers.counting()) partition->next_summary = partition->strangers.due();
    for (const auto& one : partition->counting)
      partition->next_summary = std::min(partition->next_summary, one.sender->refusals.due());
  }
}

/// @param id of the sender; empty: strangers.
void Recorder::summary(PartitionWork& work, std::string_view id, Refusals& refusals) {
  Refusals::Summary summary = refusals.take_summary(turn_.now);
  audit::AuditRecord record;
  record.time = turn_.now;
  record.sender = id;
  record.decision = summary.decision;
  record.reason = turn_.result.keep(std::move(summary.text));
  work.audit.add(record);
}

}  // namespace mas::gateway
