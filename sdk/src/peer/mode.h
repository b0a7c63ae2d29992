// Peer to peer: messages are published on the target's channel, and the agent hears its own.
#pragma once

#include <memory>

#include "sdk/src/core/context.h"

namespace mas::sdk {

std::unique_ptr<Mode> make_peer_mode(AgentContext& agent);

}  // namespace mas::sdk
