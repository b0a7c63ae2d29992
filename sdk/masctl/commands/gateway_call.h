// `send` and `request` in gateway mode: as an agent of libmas for as long as it takes.
//
// Unlike a published message, one for the gateway needs a sender that is registered and proves itself; so the command
// is, for that time, an instance of the agent. What comes for the agent meanwhile is left to its other instances.
#pragma once

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/outgoing.h"

namespace mas::ctl {

/// @return whether the command goes by the gateway: --mode, else the environment's MAS_MODE; kInvalidArgument for a
/// mode that is none.
Result<bool> by_gateway(const std::string& mode);

/// Binds --mode and --credentials.
void add_mode_options(Command& command, std::string& mode, std::string& credentials);

Result<Document> gateway_send(Context& context, const MessageOptions& options);
Result<Document> gateway_request(Context& context, const MessageOptions& options);

}  // namespace mas::ctl
