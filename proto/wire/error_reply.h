// Error replies: how a requester hears at once that its request could not be answered.
//
// An error reply is an ordinary reply (message type `mas.error`, data `{}`) whose `meta.error` has a code and a
// sentence. Programs that do not know `meta.error` see a reply without data.
// Failure modes:
// - a code of a newer version: errc_of() takes it for HANDLER_FAILED, and the code itself stays readable;
// - a sentence with control characters, invalid UTF-8 or too many bytes: error_text() makes it fit to be sent and
//   shown.
// Threading: pure functions. Ownership: views live as long as what they are made of.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace mas {

inline constexpr std::string_view kErrorReplyType = "mas.error";
inline constexpr std::string_view kErrorReplyData = "{}";

/// @return whether it has the form of a code: 1 to limits::kErrorCodeBytes of `[A-Z0-9_]`.
bool is_error_code(std::string_view text);

/// @return the code that tells a failure to a requester; HANDLER_FAILED for a failure without one of its own.
std::string_view error_code_of(Errc errc);

/// @return the failure that a code tells; kHandlerFailed for an unknown code.
Errc errc_of(std::string_view code);

/// @return what an error reply means to its requester: "'bob' answered NO_HANDLER: …".
/// @param message any text.
Error error_of_reply(std::string_view replier, std::string_view code, std::string_view message);

/// @return the sentence without control characters and invalid UTF-8, cut to limits::kMetaTextBytes.
std::string error_text(std::string_view sentence);

}  // namespace mas
