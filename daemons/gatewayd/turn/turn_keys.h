// The keys that gateways share, as their turns use them.
//
// Threading: none. Ownership: views; what they point to outlives the turns.
#pragma once

#include "daemons/gatewayd/turn/ticket.h"
#include "proto/wire/digest.h"

namespace mas::gateway {

struct TurnKeys {
  const TicketOffice& tickets;
  const HmacKey& payload;  ///< of the audit's keyed hashes of payloads
  const HmacKey& replay;   ///< of the frames that gateways put into ingress lists (replay_frame.h)
};

}  // namespace mas::gateway
