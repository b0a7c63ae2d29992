// What the two sides of an agent share: the application's threads (Agent) and the I/O thread (Session).
//
// Each part is safe from both sides; `config`, `keys` and the outboxes do not change.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/wire/keys.h"
#include "sdk/src/agent/inbox.h"
#include "sdk/src/agent/requests.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/instances.h"
#include "sdk/src/core/lease_proof.h"
#include "sdk/src/core/redis_clock.h"
#include "sdk/src/core/server_functions.h"
#include "sdk/src/core/state_cache.h"
#include "sdk/src/gateway/dedupe_window.h"
#include "sdk/src/gateway/deliveries.h"
#include "sdk/src/gateway/outbox.h"
#include "sdk/src/loop/presence.h"
#include "sdk/src/peer/outbox.h"

namespace mas::sdk {

/// A counter with one writing thread: an increment is no locked instruction.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.store(get() + n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct Counters {
  // Written by the I/O thread.
  Counter sent, undelivered, send_failed, received, malformed, late_replies, reconnects;
  Counter refused, duplicates, stray_receipts, restarts, losses, reports_refused, foreign_replies;
  // Written by the polling thread.
  Counter unhandled, handler_failed;
};

/// Which outcomes of messages the application wants to hear of.
enum class ReceiptWish : uint8_t { kNone, kFailures, kAll };

struct AgentContext {
  explicit AgentContext(AgentConfig c)
      : config(std::move(c)),
        keys(config.ns.value_or("")),
        inbox(config),
        deliveries(config),
        dedupe(config.dedupe_messages),
        requests(std::make_shared<Requests>(inbox, config.outbound.messages)) {
    if (config.mode == MAS_MODE_GATEWAY)
      outbox = gateway_outbox = std::make_shared<GatewayOutbox>(config, keys, clock, instances);
    else
      outbox = channel_outbox = std::make_shared<ChannelOutbox>(config, keys, clock);
  }

  /// Tells the application's debug callback, if there is one.
  void debug(const std::string& line) const {
    if (config.debug != nullptr && !process_is_quiet()) config.debug(line.c_str(), config.debug_user);
  }

  /// @param what that was waited for and did not come in time. @return with why, where that is known.
  Error late(const std::string& what) const {
    const std::string why = gateway_outbox == nullptr ? std::string() : gateway_outbox->obstacle();
    return {Errc::kTimeout, why.empty() ? what : what + "; the gateway's last answer was " + why};
  }

  const AgentConfig config;
  const std::string& instance() const { return instances.current().hex; }

  const Keys keys;
  Instances instances;  ///< renewed while stopped, and by the session where it has to begin anew
  const std::shared_ptr<RedisClock> clock = std::make_shared<RedisClock>();
  Counters counters;
  std::atomic<ReceiptWish> receipts{ReceiptWish::kNone};
  Inbox inbox;
  Deliveries deliveries;
  DedupeWindow dedupe;        ///< I/O thread
  LeaseProof lease;           ///< of this instance; I/O thread
  ServerFunctions functions;  ///< I/O thread
  // One of the two, by the mode; `outbox` is the same.
  std::shared_ptr<ChannelOutbox> channel_outbox;
  std::shared_ptr<GatewayOutbox> gateway_outbox;
  std::shared_ptr<Outbox> outbox;
  const std::shared_ptr<Requests> requests;
  StateCache state;
};

}  // namespace mas::sdk
