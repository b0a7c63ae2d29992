// Publishing: batches and their replies.
#include "sdk/src/channel_outbox.h"

#include <utility>

#include "proto/redis/command.h"

namespace mas::sdk {
namespace {

constexpr size_t kKeptBufferBytes = 1024 * 1024;
constexpr size_t kSpareBatches = 4;
constexpr size_t kSettleEvery = 64;

}  // namespace

void ChannelOutbox::open(OutboxListener& listener, redis::Connection& connection, std::shared_ptr<Runtime> runtime,
                         std::function<void()> wake) {
  connection_ = &connection;
  Outbox::open(listener, std::move(runtime), std::move(wake));
}

void ChannelOutbox::close() {
  if (connection_ != nullptr) connection_->forget(this);
  connection_ = nullptr;
  listener_ = nullptr;
  while (!in_flight_.empty()) recycle(in_flight_.pop());
  unsettled_messages_ = unsettled_bytes_ = 0;
  std::lock_guard lock(mutex_);
  *filling_ = Batch();
  shut();
}

Status ChannelOutbox::send(const Draft& draft, const Id128& id, WallMicros now) {
  EnvelopeMeta meta;  // of a request the deadline is the sender's own affair
  if (draft.deadline && draft.kind != OutgoingKind::kRequest)
    meta.deadline = static_cast<double>(*draft.deadline) / 1e6;
  auto envelope = compose(draft, id, now, meta);
  if (!envelope) return envelope.error();
  std::unique_lock lock(mutex_);
  if (auto status = admit(envelope->size()); !status) return status;
  Batch& batch = *filling_;
  std::string& out = batch.commands;
  out.append("*3\r\n$7\r\nPUBLISH\r\n", 17);
  redis::append_length(out, '$', channel_head_.size() + draft.target.size());
  out.append(channel_head_).append(draft.target).append("\r\n", 2);
  redis::append_argument(out, *envelope);
  batch.targets.append(draft.target);
  batch.records.push_back(
      {id, static_cast<uint32_t>(envelope->size()), static_cast<uint32_t>(batch.targets.size()), draft.kind});
  bool alone = want_drain();
  lock.unlock();
  if (alone) send_now();
  return {};
}

void ChannelOutbox::write_out() {
  drain();
  if (connection_ != nullptr) connection_->flush();
}

void ChannelOutbox::drain() {
  if (connection_ == nullptr) return;
  std::unique_ptr<Batch> batch;
  {
    std::lock_guard lock(mutex_);
    drain_wanted_ = false;
    if (filling_->records.empty()) return;
    batch = std::exchange(filling_, nullptr);
    if (spare_.empty()) {
      filling_ = std::make_unique<Batch>();
    } else {
      filling_ = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  Batch& sent = *batch;
  in_flight_.push(std::move(batch));
  auto status =
      connection_->send_from(sent.commands, sent.records.size(), redis::reply_to<&ChannelOutbox::on_reply>(this));
  if (sent.commands.capacity() > kKeptBufferBytes) sent.commands = std::string();
  if (status.ok()) return;
  redis::Answer refused = status.error();
  for (size_t left = sent.records.size(); left > 0; --left) on_reply(0, refused);
}

void ChannelOutbox::on_reply(uint64_t, const redis::Answer& answer) {
  Batch& batch = *in_flight_.front();
  const Record& record = batch.records[batch.answered];
  size_t begin = batch.answered == 0 ? 0 : batch.records[batch.answered - 1].target_end;
  std::string_view target(batch.targets.data() + begin, record.target_end - begin);

  static const Verdict& kDelivered = *new Verdict;
  auto reply = redis::checked(answer);
  if (reply && (*reply)->integer > 0) {
    listener_->on_verdict(record.kind, record.id, target, kDelivered);
  } else {
    Verdict verdict;
    verdict.status = reply ? Error{Errc::kNoReceiver, "nobody listens as '" + printable(target) + "'"} : reply.error();
    listener_->on_verdict(record.kind, record.id, target, verdict);
  }

  ++unsettled_messages_;
  unsettled_bytes_ += record.bytes;
  bool last = ++batch.answered == batch.records.size();
  if (last || unsettled_messages_ >= kSettleEvery)
    settle(std::exchange(unsettled_messages_, 0), std::exchange(unsettled_bytes_, 0));
  if (last) recycle(in_flight_.pop());
}

void ChannelOutbox::recycle(std::unique_ptr<Batch> batch) {
  batch->commands.clear();
  batch->targets.clear();
  batch->records.clear();
  batch->answered = 0;
  std::lock_guard lock(mutex_);
  if (spare_.size() < kSpareBatches) spare_.push_back(std::move(batch));
}

}  // namespace mas::sdk
