// The C functions that send: messages, replies, requests.
#include <algorithm>
#include <cstring>
#include <string>

#include "proto/base/thread_object.h"
#include "proto/wire/lane.h"
#include "sdk/src/agent/agent.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/error_reply.h"

using mas::sdk::Draft;
using mas::sdk::fail;
using mas::sdk::guarded;
using mas::sdk::is_missing;
using mas::sdk::OutgoingKind;
using mas::sdk::report;

namespace {

constexpr const char* kNoRequest = "the message does not expect a reply, or has no correlation id to answer to";

mas_status make_draft(Draft& draft, const char* target, const char* type, const char* json, size_t size) {
  draft.target = target;
  draft.type = type;
  if (json == nullptr) return MAS_OK;
  draft.json = {json, size == MAS_STRLEN ? std::strlen(json) : size};
  return draft.json.empty() ? fail(MAS_MALFORMED, "data is empty; expected a JSON object") : MAS_OK;
}

/// The caller's options as this version has them: members that the caller does not know are 0.
mas_status read_options(mas_send_options& ret_options, const mas_send_options* options, size_t size) {
  ret_options = {};
  if (options == nullptr) return MAS_OK;
  const auto* bytes = reinterpret_cast<const unsigned char*>(options);
  for (size_t i = sizeof ret_options; i < size; ++i)
    if (bytes[i] != 0)
      return fail(MAS_INVALID_ARGUMENT, "the options have members that this version of the library does not know");
  std::memcpy(&ret_options, options, std::min(size, sizeof ret_options));
  return MAS_OK;
}

mas_status apply_options(Draft& draft, const mas_send_options& options) {
  const auto priority = static_cast<size_t>(options.priority);
  if (priority > mas::kLanes.size())
    return fail(MAS_INVALID_ARGUMENT, "unknown priority; expected MAS_PRIORITY_CRITICAL to MAS_PRIORITY_BULK");
  if (options.deadline_ms < 0)
    return fail(MAS_INVALID_ARGUMENT, "deadline_ms is negative; expected milliseconds from now, or 0");
  if (priority > 0) draft.priority = mas::kLaneNames[priority - 1];
  if (options.deadline_ms > 0) draft.deadline = mas::wall_now() + mas::WallMicros{options.deadline_ms} * 1000;
  if (options.wait_ms != 0) draft.kind = OutgoingKind::kAwaited;
  return MAS_OK;
}

struct IdText {
  std::string text;
};

void copy_id(char* ret_id, const mas::Id128& id) {
  if (ret_id == nullptr) return;
  std::string& text = mas::thread_object<IdText>().text;
  text.clear();
  mas::append_uuid(text, id);
  std::memcpy(ret_id, text.c_str(), MAS_MESSAGE_ID_SIZE);
}

/// @param ret_id set once the message is queued, whatever becomes of it: also where its outcome is refusal or unknown.
mas_status send(mas_agent* agent, const Draft& draft, int wait_ms, char* ret_id) {
  const mas::Id128 id = mas::new_uuid_v7(mas::wall_now());
  bool queued = false;
  mas::Status status;
  if (draft.kind == OutgoingKind::kAwaited) {
    status = agent->send_wait(draft, id, wait_ms, queued);
  } else {
    status = agent->send(draft, id);
    queued = status.ok();
  }
  if (queued) copy_id(ret_id, id);
  return report(status);
}

mas_status begin_request(mas_agent* agent, const char* target, const char* type, const char* json, size_t size,
                         int timeout_ms, mas_reply_fn fn, void* user, bool direct, mas_request** ret_request) {
  Draft draft;
  if (mas_status status = make_draft(draft, target, type, json, size); status != MAS_OK) return status;
  draft.kind = OutgoingKind::kRequest;
  std::unique_ptr<mas_request> handle(ret_request == nullptr ? nullptr : new mas_request());
  auto request = agent->request_async(draft, timeout_ms, fn, user, direct);
  if (!request) return report(request);
  if (ret_request == nullptr) return MAS_OK;
  handle->request = *request;
  handle->owner = agent->context().requests;
  *ret_request = handle.release();
  return MAS_OK;
}

}  // namespace

extern "C" {

mas_status mas_agent_send(mas_agent* agent, const char* target, const char* type, const char* json, size_t size,
                          char ret_message_id[MAS_MESSAGE_ID_SIZE]) {
  return guarded({{agent, "agent"}, {target, "target"}, {type, "type"}}, [&] {
    Draft draft;
    if (mas_status status = make_draft(draft, target, type, json, size); status != MAS_OK) return status;
    return send(agent, draft, 0, ret_message_id);
  });
}

mas_status mas_agent_send_again(mas_agent* agent, const char* message_id, const char* target, const char* type,
                                const char* json, size_t size) {
  return guarded({{agent, "agent"}, {message_id, "message_id"}, {target, "target"}, {type, "type"}}, [&] {
    Draft draft;
    if (mas_status status = make_draft(draft, target, type, json, size); status != MAS_OK) return status;
    auto id = mas::sdk::parse_uuid(message_id);
    if (!id) return fail(MAS_INVALID_ARGUMENT, "invalid message id; expected one that a send function returned");
    return report(agent->send(draft, *id));
  });
}

mas_status mas_agent_send_wait(mas_agent* agent, const char* target, const char* type, const char* json, size_t size,
                               int timeout_ms, char ret_message_id[MAS_MESSAGE_ID_SIZE]) {
  return guarded({{agent, "agent"}, {target, "target"}, {type, "type"}}, [&] {
    Draft draft;
    if (mas_status status = make_draft(draft, target, type, json, size); status != MAS_OK) return status;
    draft.kind = OutgoingKind::kAwaited;
    return send(agent, draft, timeout_ms, ret_message_id);
  });
}

mas_status mas_agent_send_with(mas_agent* agent, const char* target, const char* type, const char* json, size_t size,
                               const mas_send_options* options, size_t options_size,
                               char ret_message_id[MAS_MESSAGE_ID_SIZE]) {
  return guarded({{agent, "agent"}, {target, "target"}, {type, "type"}}, [&] {
    Draft draft;
    mas_send_options asked;
    if (mas_status status = make_draft(draft, target, type, json, size); status != MAS_OK) return status;
    if (mas_status status = read_options(asked, options, options_size); status != MAS_OK) return status;
    if (mas_status status = apply_options(draft, asked); status != MAS_OK) return status;
    return send(agent, draft, asked.wait_ms, ret_message_id);
  });
}

mas_status mas_message_reply(const mas_message* message, const char* type, const char* json, size_t size) {
  return guarded({{message, "message"}, {type, "type"}}, [&] {
    Draft draft;
    if (mas_status status = make_draft(draft, message->sender(), type, json, size); status != MAS_OK) return status;
    draft.correlation_id = message->correlation_id();
    draft.ticket = message->ticket();
    draft.request = message;
    if (!message->is_request()) return fail(MAS_INVALID_ARGUMENT, kNoRequest);
    const mas::WallMicros now = mas::wall_now();
    const auto status = message->outbox().send(draft, mas::new_uuid_v7(now), now);
    if (status.ok()) const_cast<mas_message*>(message)->set_replied();
    return report(status);
  });
}

mas_status mas_message_reply_error(const mas_message* message, mas_status status, const char* text) {
  return guarded({{message, "message"}}, [&, wanted = static_cast<int>(status)] {  // any number may come
    switch (wanted) {
      case MAS_HANDLER_FAILED:
      case MAS_NO_HANDLER:
      case MAS_INVALID_PAYLOAD:
      case MAS_UNAVAILABLE:
        break;
      default:
        return fail(MAS_INVALID_ARGUMENT, "an error reply cannot have this status");
    }
    if (!message->is_request()) return fail(MAS_INVALID_ARGUMENT, kNoRequest);
    auto& request = *const_cast<mas_message*>(message);
    if (request.replied()) return fail(MAS_INVALID_STATE, "the request was answered already");
    auto sent = mas::sdk::send_error_reply(request, static_cast<mas::Errc>(wanted), text == nullptr ? "" : text);
    if (sent.ok()) request.outbox().failures().count(request, status);
    return report(sent);
  });
}

mas_status mas_message_fail(const mas_message* message, mas_status status, const char* text) {
  if (!is_missing(message, "message") && text != nullptr) mas::sdk::keep_failure(*message, text);
  return status;
}

mas_status mas_message_defer(const mas_message* message) {
  return guarded({{message, "message"}}, [&] {
    if (mas::sdk::Cause::current() != message)  // a message that was kept may have outlived its agent
      return fail(MAS_INVALID_STATE, "mas_message_defer was called outside of the message's handler");
    return report(message->settlements()->defer(*const_cast<mas_message*>(message)));
  });
}

mas_status mas_message_settle(const mas_message* message, mas_status status) {
  return guarded({{message, "message"}}, [&, outcome = static_cast<int>(status)] {  // any number may come
    if (!message->deferred())
      return fail(MAS_INVALID_STATE, "the message was not deferred; call mas_message_defer in its handler");
    const auto settled = message->settlements()->settle(*const_cast<mas_message*>(message), outcome);
    message->outbox().tracer().deliver();
    return report(settled);
  });
}

mas_status mas_agent_request(mas_agent* agent, const char* target, const char* type, const char* json, size_t size,
                             int timeout_ms, mas_message** ret_reply) {
  return guarded({{agent, "agent"}, {target, "target"}, {type, "type"}}, [&] {
    Draft draft;
    if (mas_status status = make_draft(draft, target, type, json, size); status != MAS_OK) return status;
    draft.kind = OutgoingKind::kRequest;
    auto reply = agent->request(draft, timeout_ms);
    if (reply && ret_reply != nullptr) *ret_reply = reply->release();
    return report(reply);
  });
}

mas_status mas_agent_request_async(mas_agent* agent, const char* target, const char* type, const char* json,
                                   size_t size, int timeout_ms, mas_reply_fn fn, void* user,
                                   mas_request** ret_request) {
  return guarded({{agent, "agent"}, {target, "target"}, {type, "type"}, {fn, "fn"}}, [&] {
    return begin_request(agent, target, type, json, size, timeout_ms, fn, user, false, ret_request);
  });
}

mas_status mas_agent_request_direct(mas_agent* agent, const char* target, const char* type, const char* json,
                                    size_t size, int timeout_ms, mas_reply_fn fn, void* user,
                                    mas_request** ret_request) {
  return guarded({{agent, "agent"}, {target, "target"}, {type, "type"}, {fn, "fn"}}, [&] {
    return begin_request(agent, target, type, json, size, timeout_ms, fn, user, true, ret_request);
  });
}

mas_status mas_request_cancel(mas_request* request) {
  return guarded({{request, "request"}}, [&] {
    if (!request->request->cancel()) return fail(MAS_NOT_FOUND, "the request has ended already");
    auto owner = request->owner.lock();
    if (owner == nullptr) return MAS_OK;
    owner->remove(request->request->id());
    if (owner->tracer->end(request->request->id(), MAS_CANCELLED)) owner->tracer->deliver();
    return MAS_OK;
  });
}

void mas_request_free(mas_request* request) { delete request; }

}  // extern "C"
