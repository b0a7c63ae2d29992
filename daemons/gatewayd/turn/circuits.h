// The circuits of a turn: which targets' breakers are asked, what they are told, and what is to be written of them.
//
//     start ──▶ need: outcomes' targets ──▶ decide: tell, seen, admit, failed ──▶ finish: changes() ──▶ committed
//       ▲                                                                              │ the turn was dropped
//       └────────────── every breaker is as it was before, its circuit is read anew ◀──┘
//
// Where outcomes come from. Failures: a message that found the target's backlog at its bound, or its stream taking no entry;
// and what others tell by outcome(). Successes: entries that left the target's streams, since receivers remove what they have
// handled (Inbox::measured); that is what can be seen without the receivers' word, and it says neither that a handler was
// content nor which messages they were. A stream that is trimmed or deleted by hand looks the same.
// Failure: none of its own. Threading: none. Ownership: agents are viewed from start() to committed().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/facts/facts.h"
#include "daemons/gatewayd/turn/policy.h"

namespace mas::gateway {

/// A circuit that is to be written, where its generation is still `from`.
struct CircuitChange {
  std::string_view id;  ///< until committed()
  Circuit circuit;
  CircuitState before = CircuitState::kClosed;  ///< at the start of the turn, as it was known here
  uint64_t from = 0;
};

class Circuits {
 public:
  explicit Circuits(Facts& facts) : facts_(facts) {}

  void configure(Mode mode, const BreakerSettings& settings) {
    on_ = mode != Mode::kOff;
    settings_ = settings;
  }
  /// Nothing below is to be called of a target while they are off, but outcome().
  bool on() const { return on_; }

  /// Begins a turn, or begins it again after a read.
  void start(WallMicros now, uint64_t turn);
  /// Puts the circuits that were told of on the facts' lists.
  void need();
  /// @return whether what becomes of messages to the target matters at once: its circuit is half-open, or about to be.
  bool watched(const Agent& target) const;

  /// What others saw of messages to `target`, for the next turn: those that its handlers took, and those that failed there
  /// for good (refused, out of time, given up). @param when by Redis's clock; not before that of the last call.
  void outcome(std::string_view target, uint64_t handled, uint64_t failed, WallMicros when);
  /// Tells the breakers those outcomes. Once, before the first of the calls below.
  void tell();
  void seen(Agent& target, bool active);
  Admission admit(Agent& target);
  /// One message could not be delivered, and it is the target's fault.
  void failed(Agent& target);

  /// Collects what changed. Then it is either committed(), or undone by the next start().
  void finish();
  const std::vector<CircuitChange>& changes() const { return changes_; }
  void committed();

 private:
  struct Met {
    Agent* agent;
    Breaker before;
    uint64_t left = 0;  // entries that were told to it
  };
  struct Outcome {
    std::string target;
    uint64_t handled, failed;
    WallMicros when;
  };
  void undo();
  Met& meet(Agent& target);

  Facts& facts_;
  bool on_ = true;
  BreakerSettings settings_;
  WallMicros now_ = 0;
  uint64_t turn_ = 0;
  std::vector<Met> met_;
  std::vector<Outcome> outcomes_;
  std::vector<CircuitChange> changes_;
};

}  // namespace mas::gateway
