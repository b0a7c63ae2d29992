// The script per change, what its reply means, and who hears of it.
#include "daemons/gatewayd/turn/circuit_writer.h"

#include "proto/wire/events.h"

namespace mas::gateway {
namespace {

constexpr Duration kMeasuredEvery = std::chrono::seconds(1);

std::string_view name_of(CircuitState state) { return kCircuitStateNames[static_cast<size_t>(state)]; }
std::string_view name_of(CircuitCause cause) { return kCircuitCauseNames[static_cast<size_t>(cause)]; }

}  // namespace

CircuitWriter::CircuitWriter(common::Frame& frame, Facts& facts)
    : frame_(frame),
      facts_(facts),
      races_(frame.metrics().counter("circuit_races_total", "Changes of circuits that lost to a concurrent change.")),
      failures_(frame.metrics().counter("circuit_failures_total", "Changes of circuits that Redis refused.")) {
  for (CircuitState state : {CircuitState::kClosed, CircuitState::kHalfOpen, CircuitState::kOpen})
    frame.metrics().counter("circuit_changes_total", "Changes of circuits by this gateway, by new state.",
                            {{"state", std::string(name_of(state))}});
}

/// Before the commit, so that the deliveries' own entries are not in what is measured.
std::vector<unsigned> CircuitWriter::ask_lengths(redis::Command& command, const std::vector<Delivery>& deliveries) {
  std::vector<unsigned> asked;
  const MonoTime now = mono_now();
  for (unsigned i = 0; i < deliveries.size(); ++i) {
    const TargetStream& inbox = *deliveries[i].inbox;
    if (inbox.replies || now - inbox.read_at < kMeasuredEvery) continue;
    command.add("XLEN", inbox.key);
    asked.push_back(i);
  }
  return asked;
}

void CircuitWriter::take_length(const Delivery& delivery, const redis::Reply& reply) {
  if (reply.is_integer() && reply.integer >= 0)
    delivery.inbox->measured(static_cast<uint64_t>(reply.integer), mono_now());
}

size_t CircuitWriter::append_to(redis::Command& command, const std::vector<CircuitChange>& changes) {
  pending_.clear();
  for (const CircuitChange& change : changes) {
    const std::string key = frame_.keys().circuit(change.id);
    const std::string from = std::to_string(change.from);
    const auto values = circuit_values(change.circuit);
    std::vector<std::string_view> words{"EVAL", kWriteCircuit, "1", key, from};
    for (size_t i = 0; i < values.size(); ++i) words.insert(words.end(), {kCircuitFields[i], values[i]});
    command.add(words);
    pending_.push_back({std::string(change.id), change.circuit, change.before});
  }
  return pending_.size();
}

void CircuitWriter::take(size_t number, const redis::Reply& reply, redis::Command& events) {
  const Pending& change = pending_[number];
  if (reply.is_integer() && reply.integer == 1) return publish_change(change, events);
  facts_.forget_circuit(change.id);
  if (reply.is_integer()) return races_.add();
  failures_.add();
  std::string why = reply.is_error() ? redis::error_of(reply).message : "unexpected answer of the script";
  if (repeat_.should_log(why, mono_now()))
    frame_.log().warn("circuit_not_written", {{"agent", change.id}, {"why", why}});
}

void CircuitWriter::unanswered(size_t number) {
  facts_.forget_circuit(pending_[number].id);
  failures_.add();
}

void CircuitWriter::publish_change(const Pending& change, redis::Command& events) {
  const CircuitState state = change.circuit.state;
  frame_.metrics()
      .counter("circuit_changes_total", "Changes of circuits by this gateway, by new state.",
               {{"state", std::string(name_of(state))}})
      .add();
  const bool was_closed = change.before == CircuitState::kClosed, closed = state == CircuitState::kClosed;
  const std::string_view cause = name_of(change.circuit.cause);
  frame_.log().write(was_closed ? common::LogLevel::kWarn : common::LogLevel::kInfo, "circuit_changed",
                     {{"agent", change.id},
                      {"from", name_of(change.before)},
                      {"to", name_of(state)},
                      {"cause", cause},
                      {"opens", change.circuit.opens}});
  if (was_closed == closed) return;
  EventType type = closed ? EventType::kCircuitClosed : EventType::kCircuitOpened;
  events.add("PUBLISH", frame_.keys().system_channel(), agent_event(type, change.id, cause, wall_now()));
}

}  // namespace mas::gateway
