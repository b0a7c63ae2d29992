// What the two sides of an agent share: the application's threads (Agent) and the I/O thread (Session).
//
// Each part is safe from both sides; `config`, `keys` and `instance` do not change while a session lives.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/wire/keys.h"
#include "sdk/src/config.h"
#include "sdk/src/inbox.h"
#include "sdk/src/outbox.h"
#include "sdk/src/requests.h"
#include "sdk/src/state_cache.h"

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
        outbox(std::make_shared<Outbox>(config, keys)),
        requests(std::make_shared<Requests>(inbox, config.outbound.messages)) {}

  /// Tells the application's debug callback, if there is one.
  void debug(const std::string& line) const {
    if (config.debug != nullptr) config.debug(line.c_str(), config.debug_user);
  }

  const AgentConfig config;
  const Keys keys;
  std::string instance;  ///< 32 hexadecimal digits; changes only while stopped
  Counters counters;
  std::atomic<ReceiptWish> receipts{ReceiptWish::kNone};
  Inbox inbox;
  const std::shared_ptr<Outbox> outbox;
  const std::shared_ptr<Requests> requests;
  StateCache state;
};

}  // namespace mas::sdk
