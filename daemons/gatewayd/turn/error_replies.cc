// Error replies in the name of receivers.
#include "daemons/gatewayd/turn/error_replies.h"

#include <string>
#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/error_reply.h"

namespace mas::gateway {

/// What a lookup looks at.
Message ErrorReplies::reply_to(const UnansweredRequest& request) {
  Message reply;
  reply.ticket = request.ticket;
  reply.target = request.requester;
  reply.type = kErrorReplyType;
  reply.correlation_id = request.correlation_id;
  reply.conversation = request.conversation;
  reply.is_reply = true;
  return reply;
}

void ErrorReplies::need(const FrameInTurn& frame, const FrameLookup& from, const UnansweredRequest& request,
                        MessageLookup& found) {
  if (request.ticket.empty() || request.correlation_id.empty()) return;
  needs_.target(frame, reply_to(request), from, found);
}

void ErrorReplies::send(const FrameInTurn& frame, AgentFacts& replier, PartitionWork& work,
                        const UnansweredRequest& request, const MessageLookup& found, Errc why, std::string_view text) {
  if (!wanted(found)) return;
  ++work.error_replies;
  std::string uuid;
  append_uuid(uuid, new_uuid_v7(turn_.now));
  Message reply = reply_to(request);
  reply.id = turn_.result.keep(std::move(uuid));
  reply.envelope = reply.content = write(replier.id, request, reply.id, why, text);
  reply.by_gateway = true;
  MessageCase at{frame, reply, found, &replier, work, &work.partition->sender(replier.id), reply.envelope};
  stages_.decide(at);
  Counts& counts = turn_.result.counts();
  if (!at.ruling.refuses()) ++counts.error_replies;
  counts.decided(at.ruling.decision);
  if (!at.ruling.refuses() || recorder_.within_budget(at)) recorder_.message(at, 0, sha256(reply.envelope));
}

/// @return the envelope, which is there until the commit is sent.
std::string_view ErrorReplies::write(std::string_view replier, const UnansweredRequest& request, std::string_view id,
                                     Errc why, std::string_view text) {
  std::string envelope;
  const std::string sentence = error_text(text);
  EnvelopeFields fields;
  fields.sender_id = replier;
  fields.target_id = request.requester;
  fields.message_type = kErrorReplyType;
  fields.data = kErrorReplyData;
  fields.meta.correlation_id = request.correlation_id;
  fields.meta.is_reply = true;
  fields.meta.conversation_id = request.conversation;
  fields.meta.traceparent = request.trace.traceparent;
  fields.meta.tracestate = request.trace.tracestate;
  fields.meta.error = {error_code_of(why), sentence};
  fields.timestamp = turn_.now;
  fields.message_id = id;
  append_envelope(envelope, fields);
  return turn_.result.keep(std::move(envelope));
}

}  // namespace mas::gateway
