// Publishing: batches and their replies.
#include "sdk/src/peer/outbox.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/redis/command.h"

namespace mas::sdk {
namespace {

constexpr size_t kKeptBufferBytes = 1024 * 1024;
constexpr size_t kSpareBatches = 4;
constexpr size_t kSettleEvery = 64;
constexpr size_t kBatchCharge = PublishPace::kBurst / 4;

}  // namespace

void ChannelOutbox::open(OutboxListener& listener, redis::Client& client, std::shared_ptr<Runtime> runtime,
                         std::function<void()> wake) {
  client_ = &client;
  Outbox::open(listener, std::move(runtime), std::move(wake));
}

void ChannelOutbox::close() {
  if (client_ != nullptr) client_->forget(this);
  client_ = nullptr;
  listener_ = nullptr;
  while (!in_flight_.empty()) recycle(in_flight_.pop());
  unsettled_messages_ = unsettled_bytes_ = 0;
  wait_ = nullptr;
  told_ = nullptr;
  pace_ = PublishPace();
  std::lock_guard lock(mutex_);
  full_.clear();
  *filling_ = Batch();
  shut();
}

Status ChannelOutbox::accept(const Draft& draft, const Id128& id, WallMicros now) {
  EnvelopeMeta meta;  // of a request the deadline is the sender's own affair
  if (draft.deadline && draft.kind != OutgoingKind::kRequest) meta.deadline = deadline_of(draft);
  auto envelope = compose(draft, id, now, meta);
  if (!envelope) return envelope.error();
  if (envelope->size() > PublishPace::kLargest)
    return Error{Errc::kTooLarge, "the message has " + std::to_string(envelope->size()) +
                                      " bytes with its envelope; Redis cuts off a subscriber that is sent so much at "
                                      "once: expected at most " +
                                      std::to_string(PublishPace::kLargest)};
  const size_t charge = PublishPace::charge_of(envelope->size());
  std::unique_lock lock(mutex_);
  if (auto status = admit(draft.kind, envelope->size()); !status) return status;
  if (charge > 0 && filling_->charge > 0 && filling_->charge + charge > kBatchCharge)
    full_.push_back(std::exchange(filling_, spare()));
  Batch& batch = *filling_;
  std::string& out = batch.commands;
  out.append(publish_);
  redis::append_length(out, '$', channel_head_.size() + draft.target.size() + channel_tail_.size());
  out.append(channel_head_).append(draft.target).append(channel_tail_).append("\r\n", 2);
  redis::append_argument(out, *envelope);
  batch.charge += charge;
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
  if (client_ != nullptr) client_->flush();
}

void ChannelOutbox::drain() {
  if (client_ == nullptr) return;
  for (bool more = true; more;) {
    auto batch = take(more);
    if (batch != nullptr) write(std::move(batch));
  }
}

/// @return the next batch that may go out. While one is held back nobody wakes the I/O thread: an answer does, or its
/// time.
/// @param ret_more whether another may go out after it.
std::unique_ptr<ChannelOutbox::Batch> ChannelOutbox::take(bool& ret_more) {
  std::unique_lock lock(mutex_);
  ret_more = !full_.empty();
  std::unique_ptr<Batch>& next = full_.empty() ? filling_ : full_.front();
  drain_wanted_ = !next->records.empty();
  if (!drain_wanted_) return nullptr;
  if (next->charge > 0) {
    const MonoTime now = mono_now();
    const Duration wait = pace_.wait_for(next->charge, now);
    if (!pace_.may_go(next->charge, now)) {
      ret_more = false;
      if (wait > Duration::zero()) wait_(wait);
      return nullptr;
    }
    pace_.on_write(next->charge, now);
  }
  if (full_.empty()) {
    drain_wanted_ = false;
    return std::exchange(filling_, spare());
  }
  auto batch = std::move(full_.front());
  full_.pop_front();
  return batch;
}

/// Under the lock.
std::unique_ptr<ChannelOutbox::Batch> ChannelOutbox::spare() {
  if (spare_.empty()) return std::make_unique<Batch>();
  auto batch = std::move(spare_.back());
  spare_.pop_back();
  return batch;
}

void ChannelOutbox::write(std::unique_ptr<Batch> batch) {
  const uint64_t number = first_in_flight_ + static_cast<uint32_t>(in_flight_.size());
  const auto to = redis::reply_to<&ChannelOutbox::on_reply>(this, (number & UINT32_MAX) << 32);
  auto status = client_->scatter_from(batch->commands, batch->records.size(), to);
  if (batch->commands.capacity() > kKeptBufferBytes) batch->commands = std::string();
  if (!status) return refuse(std::move(batch), status.error());
  in_flight_.push(std::move(batch));
}

/// The client has nothing of it.
void ChannelOutbox::refuse(std::unique_ptr<Batch> batch, const Error& why) {
  for (size_t i = 0; i < batch->records.size(); ++i) answered(*batch, i, why);
  finish(std::move(batch));
}

bool ChannelOutbox::drained() {
  std::lock_guard lock(mutex_);
  return full_.empty() && filling_->records.empty();
}

/// There was no link for as long as a message waits for one: what is held back here waits no longer.
void ChannelOutbox::refuse_all(const Error& why) {
  std::deque<std::unique_ptr<Batch>> held;
  {
    std::lock_guard lock(mutex_);
    held.swap(full_);
    if (!filling_->records.empty()) held.push_back(std::exchange(filling_, spare()));
  }
  for (auto& batch : held) {
    batch->charge = 0;  // it was not counted
    refuse(std::move(batch), why);
  }
}

void ChannelOutbox::on_reply(uint64_t tag, const redis::Answer& answer) {
  const uint32_t place = static_cast<uint32_t>(tag >> 32) - first_in_flight_;
  answered(*in_flight_[place], static_cast<size_t>(tag & UINT32_MAX), redis::checked(answer));
  while (!in_flight_.empty() && in_flight_.front()->answered == in_flight_.front()->records.size()) {
    ++first_in_flight_;
    finish(in_flight_.pop());
  }
}

/// A message of a batch has its answer.
void ChannelOutbox::answered(Batch& batch, size_t message, const redis::Answer& reply) {
  const PublishedMessage& record = batch.records[message];
  size_t begin = message == 0 ? 0 : batch.records[message - 1].target_end;
  std::string_view target(batch.targets.data() + begin, record.target_end - begin);

  static const SendOutcome& kDelivered = *new SendOutcome;
  if (reply && (*reply)->integer > 0 && record.kind != OutgoingKind::kRequest) {
    listener_->on_outcome(record.kind, record.id, target, kDelivered);
  } else if (reply && (*reply)->integer > 0) {
    SendOutcome delivered;
    delivered.receivers = static_cast<uint32_t>(std::min<int64_t>((*reply)->integer, UINT32_MAX));
    listener_->on_outcome(record.kind, record.id, target, delivered);
  } else {
    SendOutcome outcome;
    outcome.status = reply ? Error{Errc::kNoReceiver, "nobody listens as '" + printable(target) + "'"} : reply.error();
    listener_->on_outcome(record.kind, record.id, target, outcome);
  }

  ++unsettled_messages_;
  unsettled_bytes_ += record.bytes;
  if (!reply && reply.error().code == Errc::kUnreachable) batch.unreachable = reply.error();
  const bool last = ++batch.answered == batch.records.size();
  if (last || unsettled_messages_ >= kSettleEvery)
    settle(std::exchange(unsettled_messages_, 0), std::exchange(unsettled_bytes_, 0));
}

void ChannelOutbox::finish(std::unique_ptr<Batch> batch) {
  const size_t charge = batch->charge;
  const std::optional<Error> unreachable = std::move(batch->unreachable);
  recycle(std::move(batch));
  if (charge > 0) on_paced(charge, unreachable);
}

/// A batch of long messages has its answer: the next may go.
void ChannelOutbox::on_paced(size_t charge, const std::optional<Error>& unreachable) {
  pace_.on_answer(charge);
  if (unreachable) refuse_all(*unreachable);
  drain();
  if (auto told = told_) told();  // a copy: it may close the outbox
}

void ChannelOutbox::recycle(std::unique_ptr<Batch> batch) {
  batch->commands.clear();
  batch->targets.clear();
  batch->records.clear();
  batch->answered = 0;
  batch->charge = 0;
  batch->unreachable.reset();
  std::lock_guard lock(mutex_);
  if (spare_.size() < kSpareBatches) spare_.push_back(std::move(batch));
}

}  // namespace mas::sdk
