// Messages: made from a payload, read through zero-terminated texts.
#include "sdk/src/core/message.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "sdk/src/core/cause.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/outbox.h"
#include "sdk/src/core/settlements.h"
#include "sdk/src/loop/presence.h"

using mas::Errc;
using mas::Error;
using mas::Result;
using mas::Status;
using mas::sdk::is_missing;

namespace mas::sdk {

void MessageRelease::operator()(mas_message* message) const { message->unref(); }

}  // namespace mas::sdk

Result<mas::sdk::MessagePtr> mas_message::make(std::string_view payload, mas::EnvelopeDecoder& decoder,
                                               size_t max_bytes, mas::sdk::Outbox& outbox, std::string_view ticket) {
  if (payload.size() > max_bytes)
    return Error{Errc::kTooLarge, "the message has " + std::to_string(payload.size()) + " bytes; expected at most " +
                                      std::to_string(max_bytes)};
  void* block = std::malloc(sizeof(mas_message) + payload.size() + ticket.size());
  if (block == nullptr) return Error{Errc::kNoMemory, "no memory for a received message"};
  mas::sdk::MessagePtr message(new (block) mas_message(payload.size(), outbox));
  std::memcpy(message->bytes(), payload.data(), payload.size());
  if (!ticket.empty()) {
    char* behind = message->bytes() + payload.size();
    message->ticket_ = static_cast<char*>(std::memcpy(behind, ticket.data(), ticket.size()));
    message->ticket_size_ = ticket.size();
  }
  if (auto status = message->decode(decoder, max_bytes); !status) return status.error();
  return message;
}

mas_message::mas_message(size_t size, mas::sdk::Outbox& outbox) : size_(size), outbox_(&outbox) {}

mas_message::~mas_message() { std::free(restored_.load(std::memory_order_relaxed)); }

void mas_message::traced_as(uint64_t number, const mas::sdk::OwnContext& context) {
  trace_number_ = number;
  traced_context_ = std::make_unique<const mas::sdk::OwnContext>(context);
}

mas::TraceContext mas_message::trace_to_pass_on() const {
  return traced_context_ == nullptr ? trace_ : traced_context_->view();
}

Status mas_message::decode(mas::EnvelopeDecoder& decoder, size_t max_bytes) {
  auto envelope = decoder.decode({bytes(), size_}, max_bytes);
  if (!envelope) return envelope.error();
  timestamp_ = envelope->timestamp;
  expects_reply_ = envelope->meta.expects_reply;
  is_reply_ = envelope->meta.is_reply;
  const mas::TraceContext trace = mas::valid_context(envelope->meta.traceparent, envelope->meta.tracestate);
  const std::string_view views[] = {envelope->sender_id,  envelope->target_id,           envelope->message_type,
                                    envelope->message_id, envelope->meta.correlation_id, trace.traceparent,
                                    trace.tracestate};
  static constexpr const char* kNames[] = {"sender_id",      "target_id",   "message_type", "message_id",
                                           "correlation_id", "traceparent", "tracestate"};
  const char *traceparent = "", *tracestate = "";
  const char** const texts[] = {&sender_, &target_, &type_, &id_, &correlation_id_, &traceparent, &tracestate};
  const std::string_view conversation = envelope->meta.conversation_id;
  size_t outside = 0;
  for (auto view : views) outside += inside(view) ? 0 : view.size() + 1;
  const mas::EnvelopeError error = is_reply_ ? envelope->meta.error : mas::EnvelopeError();
  for (auto view : {conversation, error.code, error.message}) outside += inside(view) ? 0 : view.size();
  if (outside > std::size(views)) unescaped_.reserve(outside);  // once: pointers into it stay valid
  for (size_t i = 0; i < std::size(views); ++i) {
    auto copied = text(views[i], kNames[i]);
    if (!copied) return copied.error();
    *texts[i] = *copied;
  }
  conversation_id_ = kept(conversation);
  trace_ = {{traceparent, trace.traceparent.size()}, {tracestate, trace.tracestate.size()}};
  error_ = {kept(error.code), kept(error.message)};
  chain_ = envelope->meta.chain;  // a raw token: part of the block
  hops_ = envelope->meta.hops;
  data_size_ = envelope->data.size();
  data_ = terminate(envelope->data);
  return {};
}

Result<const char*> mas_message::text(std::string_view view, const char* what) {
  if (view.empty()) return "";
  if (inside(view)) return terminate(view);
  if (view.find('\0') != std::string_view::npos)
    return Error{Errc::kMalformed, std::string(what) + " contains a NUL character"};
  size_t at = unescaped_.size();
  unescaped_.append(view);
  unescaped_.push_back('\0');
  return unescaped_.data() + at;
}

std::string_view mas_message::kept(std::string_view view) {
  if (view.empty() || inside(view)) return view;
  size_t at = unescaped_.size();
  unescaped_.append(view);
  return std::string_view(unescaped_).substr(at);
}

/// The byte behind a JSON token inside an object is a quote, a comma, a bracket or white space: never needed again.
const char* mas_message::terminate(std::string_view inside) {
  auto end = static_cast<size_t>(inside.data() + inside.size() - bytes());
  patches_[patch_count_++] = {end, bytes()[end]};
  bytes()[end] = '\0';
  return inside.data();
}

const char* mas_message::envelope() const {
  if (const char* done = restored_.load(std::memory_order_acquire); done != nullptr) return done;
  char* copy = static_cast<char*>(std::malloc(size_ + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, bytes(), size_);
  for (size_t i = 0; i < patch_count_; ++i) copy[patches_[i].offset] = patches_[i].before;
  copy[size_] = '\0';
  char* expected = nullptr;
  if (restored_.compare_exchange_strong(expected, copy, std::memory_order_acq_rel)) return copy;
  std::free(copy);  // another thread was faster
  return expected;
}

void mas_message::ref() { references_.fetch_add(1, std::memory_order_relaxed); }

void mas_message::unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (deferred()) settlements_->abandon(*this);
  this->~mas_message();
  std::free(this);
}

bool mas_message::ref_if_alive() {
  unsigned count = references_.load(std::memory_order_relaxed);
  while (count > 0)
    if (references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
  return false;
}

void mas_message::keep() {
  if (!kept_.exchange(true)) outbox_owner_ = outbox_->shared_from_this();
}

extern "C" {

const char* mas_message_sender(const mas_message* message) {
  return is_missing(message, "message") ? "" : message->sender();
}
const char* mas_message_type(const mas_message* message) {
  return is_missing(message, "message") ? "" : message->type();
}
const char* mas_message_id(const mas_message* message) { return is_missing(message, "message") ? "" : message->id(); }
const char* mas_message_correlation_id(const mas_message* message) {
  return is_missing(message, "message") ? "" : message->correlation_id();
}

const char* mas_message_data(const mas_message* message, size_t* ret_size) {
  const std::string_view data = is_missing(message, "message") ? "" : message->data();
  if (ret_size != nullptr) *ret_size = data.size();
  return data.data();
}

const char* mas_message_envelope(const mas_message* message, size_t* ret_size) {
  const char* bytes = is_missing(message, "message") ? nullptr : message->envelope();
  if (ret_size != nullptr) *ret_size = bytes == nullptr ? 0 : message->size();
  return bytes;
}

const char* mas_message_traceparent(const mas_message* message) {
  return is_missing(message, "message") ? "" : message->trace().traceparent.data();
}
const char* mas_message_tracestate(const mas_message* message) {
  return is_missing(message, "message") ? "" : message->trace().tracestate.data();
}

double mas_message_timestamp(const mas_message* message) {
  return is_missing(message, "message") ? 0 : message->timestamp();
}
uint32_t mas_message_attempt(const mas_message* message) {
  return is_missing(message, "message") ? 0 : message->failures() + 1;
}
bool mas_message_expects_reply(const mas_message* message) {
  return !is_missing(message, "message") && message->expects_reply();
}

mas_message* mas_message_ref(const mas_message* message) {
  if (is_missing(message, "message")) return nullptr;
  auto* shared = const_cast<mas_message*>(message);
  shared->keep();
  shared->ref();
  return shared;
}

void mas_message_unref(mas_message* message) {
  if (message == nullptr) return;
  mas::sdk::Stay stay;  // the last reference settles a deferred message
  message->unref();
}

}  // extern "C"
