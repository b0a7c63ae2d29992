// Writes the circuits that a turn changed, and tells of those that it changed: log, metrics, events on mas.system.
//
//     append_to() ──▶ one script per change, beside the commit ──▶ take() each reply
//                       1: it holds; told of          0: another gateway or an operator was first; read anew
//
// Beside and not in the commit: a circuit says how a target does, which is so whether or not a turn is committed, and a
// circuit that cannot be written must not hold up messages.
// Failure: what is not written is read anew at the next message to the target; the log says why.
// Threading: loop thread. Ownership: holds what is under way by value.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/service.h"
#include "daemons/gatewayd/turn/decider.h"

namespace mas::gateway {

class CircuitWriter {
 public:
  CircuitWriter(common::Frame& frame, Facts& facts);

  /// Appends the length of every stream delivered into that was not read for a second. @return their deliveries, in
  /// order.
  static std::vector<unsigned> ask_lengths(redis::Command& command, const std::vector<Delivery>& deliveries);

  static void take_length(const Delivery& delivery, const redis::Reply& reply);

  /// Appends a command per change. @return how many.
  size_t append_to(redis::Command& command, const std::vector<CircuitChange>& changes);
  /// Whether the last append_to() had any.
  bool wrote_any() const { return !pending_.empty(); }
  /// @param number of the command. @param events gets what is to be published.
  void take(size_t number, const redis::Reply& reply, redis::Command& events);
  /// What the command did is not known.
  void unanswered(size_t number);

 private:
  struct Pending {
    std::string id;
    Circuit circuit;
    CircuitState before;
  };
  void publish_change(const Pending& change, redis::Command& events);

  common::Frame& frame_;
  Facts& facts_;
  std::vector<Pending> pending_;
  common::Counter& races_;
  common::Counter& failures_;
  common::RepeatFilter repeat_;
};

}  // namespace mas::gateway
