// The circuits of a turn: which targets' breakers are asked, what they are told, and what is to be written of them.
//
//     start ──▶ decide: seen, admit, failed, reported ──▶ finish: changes() ──▶ sent ──▶ committed
//       ▲                                                                        │ while another turn is decided
//       └── every breaker is as it was before, its circuit is read anew ◀─ dropped ┘
//
// Where outcomes come from. Failures: a message that found the target's backlog at its bound, or its stream taking no
// entry; and handlers that failed, which the target's gateway hears of (reported()). Successes: entries that left the
// target's streams, since receivers remove what they have handled (TargetStream::measured); that is what can be seen
// without the receivers' word, and it says neither that a handler was content nor which messages they were: a message
// that failed leaves its stream, too. So of a target that reports, its reports count, which say how many it has
// handled; what leaves counts only for the trials of a half-open circuit, where a failure is reported before its entry
// goes. A stream that is trimmed or deleted by hand looks like one whose messages were handled.
// Failure: none of its own. Threading: none. Ownership: agents are viewed from their turn's start() to its committed().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/facts/facts.h"
#include "daemons/gatewayd/policy/policy.h"

namespace mas::gateway {

/// A circuit that is to be written, where its generation is still `from`.
struct CircuitChange {
  std::string_view id;  ///< as long as the agent is known
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
  /// Nothing below is to be called of a target while they are off.
  bool on() const { return on_; }

  /// Begins a turn, or begins it again after a read.
  void start(WallMicros now, uint64_t turn);
  /// @return whether what becomes of messages to the target matters at once: its circuit is half-open, or about to be.
  bool watched(const AgentFacts& target) const;

  void seen(AgentFacts& target, bool active);
  Admission admit(AgentFacts& target);
  /// What admit() answered with kTrial is not delivered now.
  void give_back(AgentFacts& target);
  /// One message could not be delivered, and it is the target's fault.
  void failed(AgentFacts& target);
  /// A handler of the target failed, and so many messages were handled since the last that did.
  void reported(AgentFacts& target, uint64_t handled);

  /// Collects what changed. Then it is either sent(), or undone by the next start().
  void finish();
  const std::vector<CircuitChange>& changes() const { return changes_; }
  /// The turn's commit is under way; the next turn may begin.
  void sent();
  /// The turn that was sent is committed.
  void committed() { sent_.clear(); }
  /// Undoes the turn that was begun, and the one that was sent.
  void dropped();

 private:
  struct Met {
    AgentFacts* agent;
    Breaker before;
    uint64_t left = 0;  // messages that were told to it
  };
  void undo(std::vector<Met>& met);
  Met& entry_for(AgentFacts& target);

  Facts& facts_;
  bool on_ = true;
  BreakerSettings settings_;
  WallMicros now_ = 0;
  uint64_t turn_ = 0;
  std::vector<Met> met_;   // of the turn that was begun
  std::vector<Met> sent_;  // of the one whose commit is under way
  std::vector<CircuitChange> changes_;
};

}  // namespace mas::gateway
