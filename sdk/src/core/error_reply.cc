// Error replies, sent.
#include "sdk/src/core/error_reply.h"

#include <string>

#include "proto/wire/error_reply.h"
#include "sdk/src/core/outbox.h"

namespace mas::sdk {

Status send_error_reply(mas_message& request, Errc why, std::string_view sentence) {
  const std::string text = error_text(sentence);
  Draft draft;
  draft.target = request.sender();
  draft.type = kErrorReplyType;
  draft.json = kErrorReplyData;
  draft.correlation_id = request.correlation_id();
  draft.ticket = request.ticket();
  draft.request = &request;
  draft.kind = OutgoingKind::kSilent;
  draft.error = {error_code_of(why), text};
  const WallMicros now = wall_now();
  auto status = request.outbox().send(draft, new_uuid_v7(now), now);
  if (!status) return status;
  request.set_replied();
  request.outbox().failures().error_replies.add();
  return {};
}

}  // namespace mas::sdk
