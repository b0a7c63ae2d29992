// The circuit breaker of one target, as one gateway runs it. Pure.
//
//                      enough failures, or INACTIVE past the grace time
//        ┌─ closed ───────────────────────────────────────────────────▶ open ◀─────────┐
//        │    ▲ ▲                                                        │ │             │ a trial fails, or nothing
//        │    │ └──────────── the agent is back (cause: inactive) ───────┘ │ its time    │ is heard of them in time
//        │    │                                                            ▼ is over     │
//        │    └───────────────── every trial succeeds ──────────────── half-open ────────┘
//        │
//        └──── an operator opens it ────▶ forced open ──── an operator resets it ────▶ closed
//
// M. Nygard, "Release It!" (2007), ch. 5; the window with a least volume and the trials are those of resilience4j
// (minimumNumberOfCalls, permittedNumberOfCallsInHalfOpenState), the growth of the open time that of Envoy's outlier
// detection (base_ejection_time, max_ejection_time) with a power of two for its multiple.
//
// Failures are dead letters, refusals by the receiver, handlers out of time, a backlog over its bound; successes are
// messages that were handled. Each gateway counts the outcomes that it sees; what they share is the Circuit
// (circuit.h), and whichever gateway changes it writes it. So thresholds and trials are per gateway, states are
// everybody's. An agent that is INACTIVE is queued for until its grace time is over, by the time since when this
// gateway knows it. How often it opened in a row is forgotten after it was closed for max_open.
// Failure: it can always decide. A clock that steps back by more than max_open ends an open time.
// Threading: none. No allocation but in describe(). Ownership: a value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "daemons/gatewayd/breaker/breaker_settings.h"
#include "daemons/gatewayd/breaker/circuit.h"
#include "daemons/gatewayd/breaker/outcome_window.h"

namespace mas::gateway {

enum class Admission : uint8_t {
  kPass,
  kTrial,   ///< passes, and what becomes of it decides about the circuit
  kRefuse,  ///< the circuit is open, or its trials are under way
};

class Breaker {
 public:
  const Circuit& circuit() const { return circuit_; }

  /// What Redis holds, which counts whatever was thought here.
  void learn(const Circuit& held, const BreakerSettings& settings);

  /// Whether a message may go to the target now.
  Admission admit(const BreakerSettings& settings, WallMicros now);
  /// A message that admit() has let pass goes to nobody: the next one may have its trial.
  void give_back() {
    if (circuit_.state == CircuitState::kHalfOpen) ++trials_left_;
  }
  /// Messages were handled, or failed.
  void succeeded(const BreakerSettings& settings, WallMicros now, uint64_t count = 1);
  void failed(const BreakerSettings& settings, WallMicros now, uint64_t count = 1);
  /// What the registry says of the target. To be asked before admit().
  void seen(bool active, const BreakerSettings& settings, WallMicros now);
  /// By an operator.
  void force_open(WallMicros now);
  void reset(WallMicros now);

  /// @return whether the circuit was changed since the last call, and is to be written; then `ret_from` is the
  /// generation that the change was made from.
  bool take_change(uint64_t& ret_from);

  /// When a refused message may be tried again, in milliseconds, rounded up; 0: not known.
  uint32_t retry_after_ms(WallMicros now) const;
  /// The rule as it stands in the audit log: "circuit open: failures".
  std::string describe() const;

 private:
  void change(CircuitState state, CircuitCause cause, WallMicros until, WallMicros now);
  void open(CircuitCause cause, const BreakerSettings& settings, WallMicros now);
  void close(WallMicros now);
  bool open_time_over(const BreakerSettings& settings, WallMicros now) const;
  void begin_trials(const BreakerSettings& settings);

  Circuit circuit_;
  OutcomeWindow outcomes_;
  uint64_t written_from_ = 0;  // the generation in Redis, as far as it is known here
  bool changed_ = false;
  WallMicros inactive_since_ = 0;  // 0: it is active, or nothing was heard
  int64_t trials_left_ = 0;
  int64_t trials_due_ = 0;  // successes until it closes
};

}  // namespace mas::gateway
