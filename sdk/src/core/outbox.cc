// What the outboxes share: checks, envelopes, the bound, flushing.
#include "sdk/src/core/outbox.h"

#include <utility>

#include "proto/base/thread_object.h"
#include "proto/base/utf8.h"
#include "proto/wire/json.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/core/error.h"
#include "sdk/src/loop/presence.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {
namespace {

constexpr size_t kKeptBufferBytes = 1024 * 1024;
constexpr std::string_view kNoData = "{}";
/// What the library's own messages may take beyond the bound.
constexpr Bound kReserve{1024, 1024 * 1024};

/// What composing needs, kept so that it need not be allocated.
struct Scratch {
  std::string envelope, id_text, chain;
};

mas_trace_kind kind_of(const Draft& draft) {
  if (!draft.error.code.empty()) return MAS_TRACE_ERROR_REPLY;
  if (!draft.correlation_id.empty()) return MAS_TRACE_REPLY;
  return draft.kind == OutgoingKind::kRequest ? MAS_TRACE_REQUEST : MAS_TRACE_SEND;
}

Error not_running() { return {Errc::kInvalidState, "the agent is not running; start it first"}; }

}  // namespace

void Outbox::open(OutboxListener& listener, std::shared_ptr<Runtime> runtime, std::function<void()> wake) {
  listener_ = &listener;
  std::lock_guard lock(mutex_);
  runtime_ = std::move(runtime);
  wake_ = std::move(wake);
  open_ = true;
}

void Outbox::shut() {
  open_ = false;
  drain_wanted_ = false;
  wake_ = nullptr;
  runtime_ = nullptr;
  waiting_messages_ = waiting_bytes_ = 0;
  settled_ = accepted_;
  progress_.notify_all();
}

Status Outbox::check_names(const Draft& draft) const {
  if (!is_foreign_agent_id(draft.target))
    return Error{Errc::kInvalidArgument, "target '" + printable(draft.target) +
                                             "' is not an agent id; expected 1-512 bytes of UTF-8 without control "
                                             "characters"};
  if (draft.type.empty() || draft.type.size() > limits::kMessageTypeBytes || !is_valid_utf8(draft.type))
    return Error{Errc::kInvalidArgument, "message type '" + printable(draft.type) + "' is not 1-" +
                                             std::to_string(limits::kMessageTypeBytes) + " bytes of UTF-8"};
  return {};
}

Status Outbox::check(const Draft& draft, std::string_view& data) const {
  if (auto status = check_names(draft); !status) return status;
  data = kNoData;
  if (draft.json.empty()) return {};
  if (draft.json.size() > max_envelope_)
    return Error{Errc::kTooLarge, "data has " + std::to_string(draft.json.size()) + " bytes; expected less than " +
                                      std::to_string(max_envelope_)};
  auto object = JsonReader::local().check_object(draft.json);
  if (!object) return object.error().in("data");
  data = *object;
  return {};
}

Result<std::string_view> Outbox::compose(const Draft& draft, const Id128& id, WallMicros now, EnvelopeMeta meta) const {
  std::string_view data;
  if (auto status = check(draft, data); !status) return status.error();

  auto& [envelope, id_text, chain] = thread_object<Scratch>();
  if (envelope.capacity() > kKeptBufferBytes) envelope = std::string();
  envelope.clear();
  id_text.clear();
  append_uuid(id_text, id);
  EnvelopeFields fields;
  fields.sender_id = sender_;
  fields.target_id = draft.target;
  fields.message_type = draft.type;
  fields.data = data;
  inherit(draft, meta, chain);
  fields.meta = meta;
  fields.meta.priority = draft.priority;
  fields.meta.correlation_id = draft.kind == OutgoingKind::kRequest ? id_text : draft.correlation_id;
  fields.meta.expects_reply = draft.kind == OutgoingKind::kRequest;
  fields.meta.is_reply = !draft.correlation_id.empty();
  fields.meta.error = draft.error;
  fields.timestamp = clock_->of(now);
  fields.message_id = id_text;
  append_envelope(envelope, fields);
  if (envelope.size() > max_envelope_)
    return Error{Errc::kTooLarge, "the message has " + std::to_string(envelope.size()) +
                                      " bytes with its envelope; expected at most " + std::to_string(max_envelope_)};
  return std::string_view(envelope);
}

/// Writes into `meta` what a message takes over from what caused it.
void Outbox::inherit(const Draft& draft, EnvelopeMeta& meta, std::string& chain) const {
  const mas_message* cause = Cause::current();
  if (draft.request != nullptr)
    pass_back(*draft.request, meta);
  else if (cause != nullptr)
    pass_on(*cause, sender_, meta, chain);
  if (!draft.trace) return pass_trace(draft.request, meta);
  meta.traceparent = draft.trace->traceparent;
  meta.tracestate = draft.trace->tracestate;
}

/// Between two calls of the observer, of which the second may come later and in another thread.
Status Outbox::send_observed(const Draft& draft, const Id128& id, WallMicros now) {
  if (Tracer::inside()) return accept(draft, id, now);
  if (auto status = check_names(draft); !status) return status;
  EnvelopeMeta meta;
  std::string chain;
  inherit(draft, meta, chain);
  auto message = std::make_unique<TracedMessage>();
  message->kind = kind_of(draft);
  message->peer = draft.target;
  message->type = draft.type;
  append_uuid(message->message_id, id);
  message->correlation_id = draft.kind == OutgoingKind::kRequest ? message->message_id : draft.correlation_id;
  message->conversation_id = meta.conversation_id;
  message->body = draft.json.empty() ? kNoData : draft.json;
  message->context.assign({meta.traceparent, meta.tracestate});
  message->key = id;

  tracer_->deliver();
  OwnContext context;
  const uint64_t number = tracer_->begin(std::move(message), context);
  if (!library_usable()) return stay_refused();
  Draft carried = draft;
  if (number != 0) carried.trace = context.view();
  auto status = accept(carried, id, now);
  if (!status) tracer_->end(number, status_of(status.error().code));
  tracer_->deliver();
  return status;
}

Status Outbox::admit(OutgoingKind kind, size_t bytes) {
  if (!open_) return not_running();
  const Bound reserve = kind == OutgoingKind::kSilent ? kReserve : Bound{0, 0};
  const bool full = waiting_messages_ >= bound_.messages + reserve.messages ||
                    (waiting_messages_ > 0 && waiting_bytes_ + bytes > bound_.bytes + reserve.bytes);
  if (full)
    return Error{Errc::kWouldBlock, "the outbound queue is full (" + std::to_string(waiting_messages_) + " messages, " +
                                        std::to_string(waiting_bytes_) + " bytes)"};
  ++waiting_messages_;
  waiting_bytes_ += bytes;
  ++accepted_;
  return {};
}

bool Outbox::want_drain() {
  if (std::exchange(drain_wanted_, true)) return false;
  if (waiting_messages_ == 1) return true;
  wake_();
  return false;
}

/// @return null when closed.
std::shared_ptr<Runtime> Outbox::runtime() {
  std::lock_guard lock(mutex_);
  return runtime_;
}

void Outbox::send_now() {
  auto running = runtime();
  if (running == nullptr || running->turns().borrow([this] { write_out(); })) return;
  std::lock_guard lock(mutex_);
  if (open_) wake_();
}

void Outbox::settle(size_t messages, size_t bytes) {
  std::lock_guard lock(mutex_);
  waiting_messages_ -= messages;
  waiting_bytes_ -= bytes;
  settled_ += messages;
  if (flushing_ > 0) progress_.notify_all();
}

Status Outbox::flush(Duration timeout) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  auto running = runtime();
  if (running == nullptr) return not_running();
  Turns::Follower follower(running->turns());
  Absence waiting;
  std::unique_lock lock(mutex_);
  uint64_t goal = accepted_;
  auto reached = [&] { return settled_ >= goal; };
  ++flushing_;
  bool done = true;
  if (timeout < Duration::zero())
    progress_.wait(lock, reached);
  else
    done = progress_.wait_until(lock, deadline, reached);
  --flushing_;
  if (!open_) return Error{Errc::kCancelled, "the agent was stopped"};
  if (!done) return Error{Errc::kTimeout, std::to_string(goal - settled_) + " messages have no outcome yet"};
  return {};
}

}  // namespace mas::sdk
