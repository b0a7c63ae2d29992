// How the result of a turn fills, and what becomes of it once it is written.
#include "daemons/gatewayd/turn/turn_result.h"

#include "proto/wire/limits.h"
#include "proto/wire/record_batch.h"

namespace mas::gateway {
namespace {

constexpr size_t kSpareDeliveries = 1024;
constexpr size_t kSparePieces = 2 * 1024;  // of one delivery

}  // namespace

void TurnResult::start(const std::vector<Partition*>& partitions, WallMicros now, const Digest& policy) {
  partitions_ = partitions;
  now_ = now;
  policy_ = policy;
  ++turn_;
  work_.resize(partitions.size());
  for (PartitionWork* work : active_) work->clear();
  active_.clear();
  for (const Delivery& delivery : deliveries_) delivery.inbox->backlog.forget_senders();  // they were not sent
  recycle(deliveries_);
  const size_t chunks = heads_.chunks();
  heads_.clear();
  chunks_.shrink(chunks);
  dead_letters_.clear();
  held_.clear();
  unproven_.clear();
  receipts_.clear();
  texts_.clear();
  counts_ = {};
}

/// Their lists are filled again.
void TurnResult::recycle(std::vector<Delivery>& deliveries) {
  for (auto& delivery : deliveries) {
    delivery.pieces.clear();
    if (delivery.pieces.capacity() <= kSparePieces && spare_pieces_.size() < kSpareDeliveries)
      spare_pieces_.push_back(std::move(delivery.pieces));
  }
  deliveries.clear();
}

PartitionWork& TurnResult::work_of(unsigned partition) {
  auto& work = work_[partition];
  if (work == nullptr) work = std::make_unique<PartitionWork>();
  if (std::exchange(work->active, true)) return *work;
  Partition& owned = *partitions_[partition];
  work->partition = &owned;
  work->audit.begin(partition, owned.epoch_number, owned.next_block, owned.previous_hash, now_, policy_, ns_);
  active_.push_back(work.get());
  if (owned.lost) work->audit.add(audit::lost_record(*owned.lost, audit::lost_record_reason(*owned.lost)));
  owned.lost.reset();
  return *work;
}

void TurnResult::deliver(TargetStream& inbox, std::string_view envelope, std::string_view ticket, uint8_t flags) {
  add_record(delivery_for(inbox, envelope.size()), envelope, ticket, flags, {});
}

void TurnResult::deliver_alone(TargetStream& inbox, std::string_view envelope, std::string_view ticket, uint8_t flags,
                               std::string_view retry) {
  add_record(fresh_delivery(inbox), envelope, ticket, flags, retry);
}

Delivery& TurnResult::delivery_for(TargetStream& inbox, size_t bytes) {
  if (std::exchange(inbox.turn, turn_) != turn_) inbox.slot = SIZE_MAX;
  if (inbox.slot != SIZE_MAX) {
    Delivery& open = deliveries_[inbox.slot];
    if (open.records < limits::kFrameRecords && open.bytes + bytes <= limits::kFrameBytes) return open;
  }
  return fresh_delivery(inbox);
}

Delivery& TurnResult::fresh_delivery(TargetStream& inbox) {
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

void TurnResult::add_record(Delivery& delivery, std::string_view envelope, std::string_view ticket, uint8_t flags,
                            std::string_view retry) {
  scratch_.clear();
  if (delivery.records == 0) scratch_.push_back(static_cast<char>(kEntryVersion));
  append_record_head(scratch_, envelope.size(), ticket, flags, retry);
  delivery.pieces.insert(delivery.pieces.end(), {heads_.keep(scratch_), envelope});
  delivery.bytes += scratch_.size() + envelope.size();
  ++delivery.records;
}

void TurnResult::add_receipt(unsigned partition, std::string_view channel, const ReceiptMessage& receipt) {
  PendingReceipt& pending = receipts_.emplace_back();
  pending.partition = partition;
  pending.channel = channel;
  append_receipt(pending.bytes, receipt);
}

void TurnResult::finish(WallMicros silent_since, const archive::Key* archive_key) {
  for (PartitionWork* work : active_) work->finish(now_, silent_since, archive_key);
}

void TurnResult::seal(SealedTurn& ret_sealed) {
  recycle(ret_sealed.deliveries);
  std::swap(ret_sealed.deliveries, deliveries_);
  ret_sealed.counts = counts_;
  ret_sealed.audit_blocks = 0;
  for (const PartitionWork* work : active_) ret_sealed.audit_blocks += work->block.bytes.empty() ? 0 : 1;
  for (const Delivery& delivery : ret_sealed.deliveries) {
    delivery.inbox->under_way.records += delivery.records;
    delivery.inbox->under_way.bytes += delivery.bytes;
  }
}

void TurnResult::dropped(SealedTurn& sealed) {
  for (const Delivery& delivery : sealed.deliveries) {
    delivery.inbox->under_way = {};
    delivery.inbox->backlog.forget_senders();
  }
  recycle(sealed.deliveries);
}

void TurnResult::committed(SealedTurn& sealed) {
  for (const Delivery& delivery : sealed.deliveries) {
    delivery.inbox->under_way = {};
    delivery.inbox->backlog.add(delivery.records, delivery.bytes);
  }
  recycle(sealed.deliveries);
}

void PartitionWork::clear() {
  active = false;
  elements = 0;
  retries.clear();
  spent.clear();
  error_replies = 0;
  limiters.clear();
  instances.clear();
  archived.clear();
  archive_entry.clear();
}

void PartitionWork::finish(WallMicros now, WallMicros silent_since, const archive::Key* archive_key) {
  removed = partition->take_forgettable(silent_since);
  if (archive_key != nullptr && archived.records() > 0)
    archive_entry = archived.finish(*archive_key, partition->archive_key, now);
  block = audit.empty() ? audit::BlockBuilder::Finished() : audit.finish();
  if (!block.bytes.empty()) {
    ++partition->next_block;
    partition->previous_hash = block.hash;
  }
  fields.clear();
  for (auto& [id, sender] : limiters) {
    sender->limiter_changed = false;
    sender->limiter.encode(fields.emplace_back(limiter_field(id), std::string()).second);
  }
  for (Sender::Instance* instance : instances) {
    instance->changed = false;
    std::string& bytes = fields.emplace_back(instance->field, std::string()).second;
    instance->state.append_to(bytes);
    instance->owner->wrote(*instance, bytes.size());
  }
  wrote = instances.empty() ? nullptr : instances.back();
  limiters.clear();
  instances.clear();
}

}  // namespace mas::gateway
