// What every part of an agent may use, whichever its mode.
//
// Threading: `config`, `keys` and `mode` do not change; the rest is safe from any thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/wire/keys.h"
#include "sdk/src/core/config.h"
#include "sdk/src/core/instances.h"
#include "sdk/src/core/lease_proof.h"
#include "sdk/src/core/mode.h"
#include "sdk/src/core/redis_clock.h"
#include "sdk/src/core/server_functions.h"
#include "sdk/src/core/state_cache.h"
#include "sdk/src/core/tracer.h"
#include "sdk/src/loop/presence.h"

namespace mas::sdk {

/// A counter with one writing thread: an increment is no locked instruction.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.store(get() + n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// Written by the I/O thread. What any thread counts is in the outbox (FailureCounts).
struct Counters {
  Counter sent, undelivered, send_failed, received, malformed, late_replies, reconnects;
  Counter refused, duplicates, stray_receipts, restarts, losses, reports_refused, foreign_replies, in_doubt;
};

struct AgentContext {
  AgentContext(AgentConfig c, MakeMode make_mode)
      : config(std::move(c)), keys(config.ns.value_or(""), config.layout()), mode(make_mode(*this)) {}

  /// Tells the application's debug callback, if there is one.
  void debug(const std::string& line) const {
    if (config.debug != nullptr && !process_is_quiet()) config.debug(line.c_str(), config.debug_user);
  }

  const AgentConfig config;
  const std::string& instance() const { return instances.current().hex; }

  const Keys keys;
  Instances instances;  ///< renewed while stopped, and by the session where it has to begin anew
  const std::shared_ptr<RedisClock> clock = std::make_shared<RedisClock>();
  const std::shared_ptr<Tracer> tracer = std::make_shared<Tracer>();
  Counters counters;
  LeaseProof lease;           ///< of this instance; I/O thread
  MonoTime loss_found_at{};   ///< when Redis was last found to have lost data; I/O thread
  ServerFunctions functions;  ///< I/O thread
  StateCache state;
  const std::unique_ptr<Mode> mode;  ///< last: it is made of the others
};

}  // namespace mas::sdk
