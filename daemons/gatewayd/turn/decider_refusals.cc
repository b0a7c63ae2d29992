// What is refused before any of its messages is looked at, and how much of what is refused is written.
#include <algorithm>
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/decider.h"

namespace mas::gateway {
namespace {

constexpr size_t kMostSummaries = 1000;  // of a partition in one turn; the block has to hold them

}  // namespace

/// An instance that nothing is known of begins with number 1; until then there is nothing to remember.
void Decider::refuse_start(const FrameInTurn& frame) {
  ++counts_.gaps;
  receipt_ = {ReceiptKind::kResendFrom, frame.header.id, 1, 0, {}};
  push_receipt(say(keys_.receipts(frame.header.sender, frame.header.instance.hex())), receipt_);
}

/// No number is used and no state is changed: whoever sent it has not shown who it is. So the budget of what is written
/// is the partition's: the sender that the frame names is the writer's choice.
void Decider::refuse_frame(PartitionWork& work, const FrameInTurn& frame, Decision decision, std::string_view detail) {
  auto count = std::max<size_t>(frame.count, 1);
  counts_.decisions[static_cast<uint8_t>(decision)] += count;
  shadow_.reset();
  detected_ = {};
  if (!policy_.memory_low) {
    Partition& partition = *work.partition;
    if (partition.strangers.take(decision, policy_.refusal_records, now_)) {
      record(work, frame, Message(), frame.header.first_sequence, sha256(frame.element), {decision, detail});
      if (frame.fault) keep_element(frame, detail);
    } else {
      ++counts_.refusals_counted;
      partition.next_summary = std::min(partition.next_summary, partition.strangers.due());
    }
  }
  if (frame.header.sender.empty() || !check_agent_id(frame.header.sender).ok()) return;
  receipt_ = {ReceiptKind::kFrameRefused, frame.header.id, frame.header.first_sequence, 0, {}};
  receipt_.outcomes.push_back({0, decision, 0, detail});
  push_receipt(say(keys_.receipts(frame.header.sender, frame.header.instance.hex())), receipt_);
}

void Decider::keep_element(const FrameInTurn& frame, std::string_view detail) {
  if (!keep_unproven_) return void(++counts_.not_kept);
  std::string reason = "sender not proven: " + std::string(detail);
  if (frame.element.size() > kPoisonBytes) reason += "; the first bytes of " + std::to_string(frame.element.size());
  unproven_.push_back({frame.element.substr(0, kPoisonBytes), frame.header.sender, std::move(reason)});
}

/// @return whether the refusal of a message of that sender is to be recorded; else it was counted.
bool Decider::recorded(PartitionWork& work, const FrameInTurn& frame, Sender& sender, Decision decision) {
  const bool counting = sender.refusals.counting();
  if (sender.refusals.take(decision, policy_.refusal_records, now_)) return true;
  ++counts_.refusals_counted;
  Partition& partition = *work.partition;
  if (!counting) partition.counting.push_back({partition.senders.find(frame.sender_facts->id)->first, &sender});
  partition.next_summary = std::min(partition.next_summary, sender.refusals.due());
  return false;
}

void Decider::record_summaries() {
  for (Partition* partition : partitions_) {
    if (partition == nullptr || !partition->summary_due(now_)) continue;
    PartitionWork& work = work_of(partition->number);
    size_t written = 0;
    partition->next_summary = Partition::kNoSummary;
    if (partition->strangers.summary_due(now_)) record_summary(work, {}, partition->strangers);
    std::erase_if(partition->counting, [&](const Partition::Counting& one) {
      if (!one.sender->refusals.summary_due(now_) || written >= kMostSummaries) return false;
      record_summary(work, one.id, one.sender->refusals);
      ++written;
      return true;
    });
    if (partition->strangers.counting()) partition->next_summary = partition->strangers.due();
    for (const auto& one : partition->counting)
      partition->next_summary = std::min(partition->next_summary, one.sender->refusals.due());
  }
}

/// @param id of the sender; empty: strangers.
void Decider::record_summary(PartitionWork& work, std::string_view id, Refusals& refusals) {
  Refusals::Summary summary = refusals.take_summary(now_);
  audit::AuditRecord record;
  record.time = now_;
  record.sender = id;
  record.decision = summary.decision;
  record.reason = say(std::move(summary.text));
  work.audit.add(record);
}

}  // namespace mas::gateway
