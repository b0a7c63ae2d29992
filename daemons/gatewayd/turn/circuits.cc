// Breakers met, told, asked; changes collected, or undone.
#include "daemons/gatewayd/turn/circuits.h"

#include <utility>

namespace mas::gateway {

void Circuits::start(WallMicros now, uint64_t turn) {
  undo(met_);
  changes_.clear();
  now_ = now;
  turn_ = turn;
}

/// A change of the dropped turn may have been written or not, and what was read since may be newer than what it began
/// with.
void Circuits::undo(std::vector<Met>& met) {
  for (const Met& one : met) {
    facts_.forget_circuit(one.agent->id);
    one.agent->breaker = one.before;
    one.agent->inbox(Lane::kNormal).left += one.left;
  }
  met.clear();
}

void Circuits::sent() {
  std::swap(sent_, met_);
  met_.clear();
  changes_.clear();
}

/// The later turn began with what the earlier one had left.
void Circuits::dropped() {
  undo(met_);
  undo(sent_);
  changes_.clear();
}

bool Circuits::watched(const AgentFacts& target) const {
  if (!on_ || !target.knows(kCircuit)) return false;
  const Circuit& circuit = target.breaker.circuit();
  if (circuit.state == CircuitState::kOpen) return circuit.until != 0 && circuit.until <= now_;
  return circuit.state == CircuitState::kHalfOpen;
}

Circuits::Met& Circuits::entry_for(AgentFacts& target) {
  if (target.met_turn == turn_) return met_[target.met];
  target.met_turn = turn_;
  target.met = met_.size();
  return met_.emplace_back(Met{&target, target.breaker});
}

void Circuits::seen(AgentFacts& target, bool active) {
  Met& met = entry_for(target);
  uint64_t handled = 0;
  target.for_each_inbox([&handled](TargetStream& inbox) { handled += std::exchange(inbox.left, 0); });
  met.left += handled;
  if (target.reports && target.breaker.circuit().state == CircuitState::kClosed) handled = 0;
  if (handled > 0) target.breaker.succeeded(settings_, now_, handled);
  target.breaker.seen(active, settings_, now_);
}

Admission Circuits::admit(AgentFacts& target) {
  entry_for(target);
  return target.breaker.admit(settings_, now_);
}

void Circuits::give_back(AgentFacts& target) {
  entry_for(target);
  target.breaker.give_back();
}

void Circuits::failed(AgentFacts& target) {
  entry_for(target);
  target.breaker.failed(settings_, now_);
}

/// The failure first: of two that were heard of together, one that says that the target fails counts for more.
void Circuits::reported(AgentFacts& target, uint64_t handled) {
  failed(target);
  target.reports = true;
  if (handled > 0) target.breaker.succeeded(settings_, now_, handled);
}

void Circuits::finish() {
  for (const Met& met : met_) {
    CircuitChange change;
    if (!met.agent->breaker.take_change(change.from)) continue;
    change.id = met.agent->id;
    change.circuit = met.agent->breaker.circuit();
    change.before = met.before.circuit().state;
    changes_.push_back(change);
  }
}

}  // namespace mas::gateway
