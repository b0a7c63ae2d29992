// Writes the audit's records of a turn. What is accepted has a record each; refusals have a budget, past which they are
// counted and told in summaries (refusals.h).
//
// Failure modes: none of its own; a block that cannot be written is the commit's.
// Threading: none. Ownership: the context must outlive it; what a record views must live until the turn's finish().
#pragma once

#include <string_view>

#include "daemons/gatewayd/turn/turn_context.h"

namespace mas::gateway {

class Recorder {
 public:
  explicit Recorder(TurnContext& turn) : turn_(turn) {}

  /// The case's ruling, whatever it is.
  void message(const MessageCase& at, uint64_t sequence, const Digest& envelope);
  /// A frame that is refused as a whole. The sender that it names is the writer's choice, so the budget is the
  /// partition's.
  /// @return whether it was recorded; else it was counted.
  bool frame(PartitionWork& work, const FrameInTurn& frame, const Ruling& ruling);
  /// A message that was accepted before and is given up.
  void given_up(PartitionWork& work, const DeadLetter& letter, std::string_view type, Decision decision);
  /// @return whether a refusal of the case's sender is to be recorded; else it was counted.
  bool within_budget(const MessageCase& at);
  /// Of all partitions, those that are due.
  void summaries();

 private:
  audit::AuditRecord record_of(const FrameInTurn& frame, uint64_t sequence, const Digest& payload,
                               const Ruling& ruling) const;
  void summary(PartitionWork& work, std::string_view id, Refusals& refusals);

  TurnContext& turn_;
};

}  // namespace mas::gateway
