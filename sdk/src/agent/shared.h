// What the two sides of an agent share: the application's threads (Agent) and the I/O thread (Session).
//
// Threading: each part is safe from both sides.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sdk/src/agent/inbox.h"
#include "sdk/src/agent/requests.h"
#include "sdk/src/core/context.h"
#include "sdk/src/core/outbox.h"
#include "sdk/src/core/settlements.h"

namespace mas::sdk {

/// Which outcomes of messages the application wants to hear of.
enum class ReceiptWish : uint8_t { kNone, kFailures, kAll };

struct AgentShared : AgentContext {
  AgentShared(AgentConfig c, MakeMode make_mode)
      : AgentContext(std::move(c), make_mode),
        inbox(config, mode->traits.keeps_all),
        requests(std::make_shared<Requests>(inbox, tracer, config.outbound.messages)),
        settlements(std::make_shared<Settlements>(*this)) {}

  Outbox& outbox() { return *mode->outbox; }

  /// @param what that was waited for and did not come in time. @return with why, where that is known.
  Error late(const std::string& what) const {
    const std::string why = mode->obstacle();
    return {Errc::kTimeout, why.empty() ? what : what + "; the gateway's last answer was " + why};
  }

  std::atomic<ReceiptWish> receipts{ReceiptWish::kNone};
  Inbox inbox;
  const std::shared_ptr<Requests> requests;
  const std::shared_ptr<Settlements> settlements;
};

}  // namespace mas::sdk
