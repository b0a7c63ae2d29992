// Sending: checks, encoding, batches and outcomes.
#include "sdk/src/outbox.h"

#include <utility>

#include "proto/base/utf8.h"
#include "proto/redis/command.h"
#include "proto/wire/envelope.h"
#include "proto/wire/json.h"
#include "sdk/src/runtime.h"

namespace mas::sdk {
namespace {

constexpr size_t kKeptBufferBytes = 1024 * 1024;
constexpr size_t kSpareBatches = 4;
constexpr size_t kSettleEvery = 64;

Error not_running() { return {Errc::kInvalidState, "the agent is not running; start it first"}; }

}  // namespace

Outbox::Outbox(const AgentConfig& config, const Keys& keys)
    : sender_(config.id),
      channel_head_(keys.channel("")),
      max_envelope_(config.max_envelope),
      bound_(config.outbound) {}

void Outbox::open(OutboxListener& listener, redis::Connection& connection, std::shared_ptr<Runtime> runtime,
                  std::function<void()> wake) {
  listener_ = &listener;
  connection_ = &connection;
  std::lock_guard lock(mutex_);
  runtime_ = std::move(runtime);
  wake_ = std::move(wake);
  open_ = true;
}

void Outbox::close() {
  if (connection_ != nullptr) connection_->forget(this);
  connection_ = nullptr;
  while (!in_flight_.empty()) recycle(in_flight_.pop());
  unsettled_messages_ = unsettled_bytes_ = 0;
  std::lock_guard lock(mutex_);
  open_ = false;
  drain_wanted_ = false;
  wake_ = nullptr;
  runtime_ = nullptr;
  listener_ = nullptr;
  *filling_ = Batch();
  waiting_messages_ = waiting_bytes_ = 0;
  settled_ = accepted_;
  outcome_.notify_all();
}

Status Outbox::check(const Draft& draft, std::string_view& data) const {
  if (!is_foreign_agent_id(draft.target))
    return Error{Errc::kInvalidArgument, "target '" + printable(draft.target) +
                                             "' is not an agent id; expected 1-512 bytes of UTF-8 without control "
                                             "characters"};
  if (draft.type.empty() || draft.type.size() > limits::kMessageTypeBytes || !is_valid_utf8(draft.type))
    return Error{Errc::kInvalidArgument, "message type '" + printable(draft.type) + "' is not 1-" +
                                             std::to_string(limits::kMessageTypeBytes) + " bytes of UTF-8"};
  data = "{}";
  if (draft.json.empty()) return {};
  if (draft.json.size() > max_envelope_)
    return Error{Errc::kTooLarge, "data has " + std::to_string(draft.json.size()) + " bytes; expected less than " +
                                      std::to_string(max_envelope_)};
  auto object = JsonReader::local().check_object(draft.json);
  if (!object) return object.error().in("data");
  data = *object;
  return {};
}

Status Outbox::send(const Draft& draft, const Id128& id, WallMicros now) {
  std::string_view data;
  if (auto status = check(draft, data); !status) return status;

  thread_local std::string envelope;
  thread_local std::string id_text;
  envelope.clear();
  id_text.clear();
  append_uuid(id_text, id);
  EnvelopeFields fields;
  fields.sender_id = sender_;
  fields.target_id = draft.target;
  fields.message_type = draft.type;
  fields.data = data;
  fields.meta.correlation_id = draft.kind == OutgoingKind::kRequest ? id_text : draft.correlation_id;
  fields.meta.expects_reply = draft.kind == OutgoingKind::kRequest;
  fields.meta.is_reply = !draft.correlation_id.empty();
  fields.timestamp = now;
  fields.message_id = id_text;
  append_envelope(envelope, fields);
  if (envelope.size() > max_envelope_)
    return Error{Errc::kTooLarge, "the message has " + std::to_string(envelope.size()) +
                                      " bytes with its envelope; expected at most " + std::to_string(max_envelope_)};
  bool alone = false;
  Status status = append(draft, id, envelope, alone);
  if (alone) send_now();
  if (envelope.capacity() > kKeptBufferBytes) envelope = std::string();
  return status;
}

/// @param ret_alone set when nothing is before the message: send_now() is the caller's to call.
Status Outbox::append(const Draft& draft, const Id128& id, std::string_view envelope, bool& ret_alone) {
  std::lock_guard lock(mutex_);
  if (!open_) return not_running();
  bool full = waiting_messages_ >= bound_.messages ||
              (waiting_messages_ > 0 && waiting_bytes_ + envelope.size() > bound_.bytes);
  if (full)
    return Error{Errc::kWouldBlock, "the outbound queue is full (" + std::to_string(waiting_messages_) + " messages, " +
                                        std::to_string(waiting_bytes_) + " bytes)"};
  Batch& batch = *filling_;
  std::string& out = batch.commands;
  out.append("*3\r\n$7\r\nPUBLISH\r\n", 17);
  redis::append_length(out, '$', channel_head_.size() + draft.target.size());
  out.append(channel_head_).append(draft.target).append("\r\n", 2);
  redis::append_argument(out, envelope);
  batch.targets.append(draft.target);
  batch.records.push_back(
      {id, static_cast<uint32_t>(envelope.size()), static_cast<uint32_t>(batch.targets.size()), draft.kind});
  ++waiting_messages_;
  waiting_bytes_ += envelope.size();
  ++accepted_;
  if (std::exchange(drain_wanted_, true)) return {};
  ret_alone = waiting_messages_ == 1;
  if (!ret_alone) wake_();
  return {};
}

/// @return null when closed.
std::shared_ptr<Runtime> Outbox::runtime() {
  std::lock_guard lock(mutex_);
  return runtime_;
}

void Outbox::send_now() {
  auto running = runtime();
  if (running == nullptr) return;
  bool sent = running->turns().borrow([this] {
    drain();
    if (connection_ != nullptr) connection_->flush();
  });
  if (sent) return;
  std::lock_guard lock(mutex_);
  if (open_) wake_();
}

void Outbox::drain() {
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
  auto status = connection_->send_from(sent.commands, sent.records.size(), redis::reply_to<&Outbox::on_reply>(this));
  if (sent.commands.capacity() > kKeptBufferBytes) sent.commands = std::string();
  if (status.ok()) return;
  redis::Answer refused = status.error();
  for (size_t left = sent.records.size(); left > 0; --left) on_reply(0, refused);
}

void Outbox::on_reply(uint64_t, const redis::Answer& answer) {
  Batch& batch = *in_flight_.front();
  const Record& record = batch.records[batch.answered];
  size_t begin = batch.answered == 0 ? 0 : batch.records[batch.answered - 1].target_end;
  std::string_view target(batch.targets.data() + begin, record.target_end - begin);

  static const Status kDelivered;
  auto reply = redis::checked(answer);
  if (!reply)
    listener_->on_outcome(record.kind, record.id, target, reply.error());
  else if ((*reply)->integer > 0)
    listener_->on_outcome(record.kind, record.id, target, kDelivered);
  else
    listener_->on_outcome(record.kind, record.id, target,
                          Error{Errc::kNoReceiver, "nobody listens as '" + printable(target) + "'"});

  ++unsettled_messages_;
  unsettled_bytes_ += record.bytes;
  bool last = ++batch.answered == batch.records.size();
  if (last || unsettled_messages_ >= kSettleEvery)
    settle(std::exchange(unsettled_messages_, 0), std::exchange(unsettled_bytes_, 0));
  if (last) recycle(in_flight_.pop());
}

void Outbox::settle(size_t messages, size_t bytes) {
  std::lock_guard lock(mutex_);
  waiting_messages_ -= messages;
  waiting_bytes_ -= bytes;
  settled_ += messages;
  if (flushing_ > 0) outcome_.notify_all();
}

void Outbox::recycle(std::unique_ptr<Batch> batch) {
  batch->commands.clear();
  batch->targets.clear();
  batch->records.clear();
  batch->answered = 0;
  std::lock_guard lock(mutex_);
  if (spare_.size() < kSpareBatches) spare_.push_back(std::move(batch));
}

Status Outbox::flush(Duration timeout) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  auto running = runtime();
  if (running == nullptr) return not_running();
  Turns::Follower follower(running->turns());
  std::unique_lock lock(mutex_);
  uint64_t goal = accepted_;
  auto reached = [&] { return settled_ >= goal; };
  ++flushing_;
  bool done = true;
  if (timeout < Duration::zero())
    outcome_.wait(lock, reached);
  else
    done = outcome_.wait_until(lock, deadline, reached);
  --flushing_;
  if (!open_) return Error{Errc::kCancelled, "the agent was stopped"};
  if (!done) return Error{Errc::kTimeout, std::to_string(goal - settled_) + " messages have no outcome yet"};
  return {};
}

}  // namespace mas::sdk
