// Answers a request by an error reply, so that its requester need not wait for the time-out.
//
// Happy path: send_error_reply() ─▶ the outbox that the request came by ─▶ what becomes of it is told to nobody.
// Failure modes: what the outbox says (full, not running); the request then counts as not replied to.
// Threading: any thread. Ownership: none is taken.
#pragma once

#include <string_view>

#include "proto/base/result.h"
#include "sdk/src/core/message.h"

namespace mas::sdk {

/// @param request is_request(). @param why the code that it gets. @param sentence for the requester; any text.
Status send_error_reply(mas_message& request, Errc why, std::string_view sentence);

}  // namespace mas::sdk
