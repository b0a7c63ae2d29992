// From an envelope that has come to a message: what both modes do with it first.
#pragma once

#include <cstdint>
#include <string_view>

#include "sdk/src/core/context.h"
#include "sdk/src/core/message.h"

namespace mas::sdk {

/// @param ticket what goes back with a reply.
/// @return the message; or why it cannot be taken (a reason of mas_message::make, or kMalformed where it is for another
/// agent): it is counted as malformed then, and told to debug.
Result<MessagePtr> open_envelope(AgentContext& agent, EnvelopeDecoder& decoder, std::string_view envelope,
                                 std::string_view ticket = {});

/// An envelope that is larger than the agent takes, and was not kept: counted and told likewise.
void drop_oversized(AgentContext& agent, uint64_t bytes);

}  // namespace mas::sdk
