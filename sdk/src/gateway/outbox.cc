// Frames: filled, pushed.
#include "sdk/src/gateway/outbox.h"

#include <algorithm>
#include <utility>

#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

constexpr size_t kKeptBufferBytes = 1024 * 1024;
constexpr size_t kSpareBatches = 4;
constexpr size_t kWriteFrames = 16;  // of one RPUSH
constexpr size_t kWriteBytes = 4 * 1024 * 1024;

/// The gateway remembers its decisions about so many messages of an instance.
Bound window_of(const AgentConfig& config) {
  return {std::min(config.outbound.messages, limits::kSenderWindow), config.outbound.bytes};
}

}  // namespace

GatewayOutbox::GatewayOutbox(const AgentConfig& config, const Keys& keys, std::shared_ptr<const RedisClock> clock,
                             std::shared_ptr<Tracer> tracer, const Instances& instances)
    : Outbox(config, std::move(clock), std::move(tracer), window_of(config)),
      instances_(instances),
      window_(*this, {config.doubt_messages, config.doubt_time}),
      writer_(config, keys, instances, *clock_) {}

GatewayOutbox::~GatewayOutbox() = default;

Status GatewayOutbox::accept(const Draft& draft, const Id128& id, WallMicros now) {
  EnvelopeMeta meta;
  if (draft.kind == OutgoingKind::kRequest) meta.instance = instances_.current().hex;
  if (draft.deadline) meta.deadline = deadline_of(draft);
  auto envelope = compose(draft, id, now, meta);
  if (!envelope) return envelope.error();
  SendSlot slot;
  slot.id = id;
  slot.kind = draft.kind;
  auto alone = queue(slot, *envelope, draft.target, draft.ticket, 0);
  if (!alone) return alone.error();
  if (*alone) send_now();
  return {};
}

Status GatewayOutbox::report(const FailureReport& failure, const Id128& id) {
  std::string bytes;
  failure.encode(bytes);
  SendSlot slot;
  slot.id = id;
  slot.report = true;
  auto alone = queue(slot, bytes, {}, {}, Record::kFailed);
  if (!alone) return alone.error();
  if (*alone) pump();
  return {};
}

/// @param payload an envelope, or what stands in its place.
Result<bool> GatewayOutbox::queue(SendSlot slot, std::string_view payload, std::string_view target,
                                  std::string_view ticket, uint8_t flags) {
  if (writer_.signs()) slot.digest = sha256(payload);
  const size_t size = record_overhead(!ticket.empty()) + payload.size();
  slot.record_size = static_cast<uint32_t>(size);
  slot.target_size = static_cast<uint16_t>(target.size());

  std::lock_guard lock(mutex_);
  // No reserve: a request whose error reply has no room is delivered again.
  if (auto status = admit(OutgoingKind::kMessage, size); !status) return status.error();
  SendBatch& batch = *filling_;
  slot.batch = &batch;
  slot.record_at = static_cast<uint32_t>(batch.records.size());
  slot.target_at = static_cast<uint32_t>(batch.targets.size());
  append_record(batch.records, payload, ticket, flags);
  batch.targets.append(target);
  batch.slots.push_back(slot);
  return want_drain();
}

// ---- Going out

void GatewayOutbox::up(redis::Client& client, unsigned partitions, const Secret& token) {
  client_ = &client;
  writer_.set_partitions(partitions);
  writer_.use_token(token);
  up_ = true;
  window_.on_link(mono_now());
  pump();
}

void GatewayOutbox::recovered() {
  if (!up_) return;
  window_.on_link(mono_now());
  pump();
}

void GatewayOutbox::write_out() {
  pump();
  if (writing_) client_->flush();
}

/// On a cluster the link keeps what cannot be sent yet.
bool GatewayOutbox::may_write() const {
  if (!up_ || writing_) return false;
  return client_->connection() == nullptr || client_->connection()->ready();
}

/// While a write is under way nobody wakes the I/O thread: what is sent meanwhile goes out when that has been answered.
void GatewayOutbox::pump() {
  if (!may_write()) return;
  do {
    take();
    if (write()) break;
  } while (!take());
  hooks_.changed();
}

/// Moves what has filled into the window. @return whether there was nothing; who sends next then wakes the I/O thread.
bool GatewayOutbox::take() {
  std::unique_ptr<SendBatch> batch;
  {
    std::lock_guard lock(mutex_);
    drain_wanted_ = !filling_->slots.empty();
    if (!drain_wanted_) return true;
    batch = std::exchange(filling_, nullptr);
    if (spare_.empty()) {
      filling_ = std::make_unique<SendBatch>();
    } else {
      filling_ = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  batch->live = batch->slots.size();
  for (const SendSlot& slot : batch->slots) window_.add(slot);
  batch->slots.clear();
  batches_.push_back(std::move(batch));
  return false;
}

/// @return whether a write is under way now.
bool GatewayOutbox::write() {
  const MonoTime now = mono_now();
  writer_.clear();
  size_t count = 0;
  const size_t most = window_.careful() ? 1 : kWriteFrames;
  for (auto range = window_.next_frame(now); range && count < most && writer_.bytes() < kWriteBytes;
       range = window_.next_frame(now)) {
    const Id128 frame = writer_.append(window_, *range);
    const uint64_t number = window_.pushed(*range, frame, now);
    if (count++ == 0) write_first_ = number;
    write_last_ = number;
  }
  if (count == 0) return false;
  auto status = client_->send(writer_.command(count), 1, redis::reply_to<&GatewayOutbox::on_written>(this));
  writer_.trim(2 * kWriteBytes);
  writing_ = status.ok();
  if (!status) window_.on_write(write_first_, write_last_, FrameWindow::Write::kNotDone, now);
  return writing_;
}

void GatewayOutbox::on_written(uint64_t, const redis::Answer& answer) {
  writing_ = false;
  const MonoTime now = mono_now();
  using Write = FrameWindow::Write;
  if (!answer) {
    bool never = answer.error().code == Errc::kUnreachable;
    window_.on_write(write_first_, write_last_, never ? Write::kNotDone : Write::kUnknown, now);
  } else if ((*answer)->is_error()) {
    SendOutcome refused;
    refused.status = redis::error_of(**answer).in("handing over to the gateway");
    if (errc_retriable(refused.status.error().code))
      window_.on_write(write_first_, write_last_, Write::kNotDone, now);
    else
      window_.on_write_refused(write_first_, write_last_, refused);
    settle_all();
  } else {
    window_.on_write(write_first_, write_last_, Write::kDone, now);
  }
  pump();
}

// ---- Outcomes

FrameWindow::Effect GatewayOutbox::on_receipt(std::string_view payload) {
  if (!decode_receipt(payload, receipt_)) return FrameWindow::Effect::kUnknownFrame;
  auto effect = window_.on_receipt(receipt_, mono_now());
  if (window_.obstacle() != obstacle_) note_obstacle();
  settle_all();
  if (effect == FrameWindow::Effect::kNone || effect == FrameWindow::Effect::kWrongTime) pump();
  return effect;
}

FrameWindow::Effect GatewayOutbox::on_time() {
  auto effect = up_ ? window_.on_time(mono_now()) : FrameWindow::Effect::kNone;
  if (effect == FrameWindow::Effect::kNone) pump();
  return effect;
}

void GatewayOutbox::note_obstacle() {
  {
    std::lock_guard lock(mutex_);
    obstacle_ = window_.obstacle();
  }
  if (!obstacle_.empty()) hooks_.obstacle(obstacle_);
}

std::string GatewayOutbox::obstacle() {
  std::lock_guard lock(mutex_);
  return obstacle_;
}

void GatewayOutbox::on_settled(const SendSlot& slot, const SendOutcome& outcome) {
  if (slot.report)
    hooks_.reported(slot.id, outcome);
  else if (listener_ != nullptr)
    listener_->on_outcome(slot.kind, slot.id, slot.batch->target(slot), outcome);
  ++settled_messages_;
  settled_bytes_ += slot.record_size;
  if (--slot.batch->live == 0) recycle(slot.batch);
}

void GatewayOutbox::recycle(SendBatch* batch) {
  auto it = std::find_if(batches_.begin(), batches_.end(), [&](const auto& b) { return b.get() == batch; });
  done_.push_back(std::move(*it));
  batches_.erase(it);
}

void GatewayOutbox::settle_all() {
  if (settled_messages_ > 0) settle(std::exchange(settled_messages_, 0), std::exchange(settled_bytes_, 0));
  if (done_.empty()) return;
  for (auto& batch : done_) {
    batch->records.clear();
    batch->targets.clear();
    if (batch->records.capacity() > kKeptBufferBytes) batch->records = std::string();
  }
  std::lock_guard lock(mutex_);
  for (auto& batch : done_)
    if (spare_.size() < kSpareBatches) spare_.push_back(std::move(batch));
  done_.clear();
}

// ---- The end

void GatewayOutbox::restart() {
  up_ = false;
  window_.restart(mono_now());
  settle_all();
}

size_t GatewayOutbox::waiting() {
  std::lock_guard lock(mutex_);
  return window_.waiting() + filling_->slots.size();
}

void GatewayOutbox::close() {
  if (client_ != nullptr) client_->forget(this);
  client_ = nullptr;
  up_ = writing_ = false;
  take();
  window_.abandon();
  settle_all();
  listener_ = nullptr;
  batches_.clear();
  std::lock_guard lock(mutex_);
  obstacle_.clear();
  shut();
}

}  // namespace mas::sdk
