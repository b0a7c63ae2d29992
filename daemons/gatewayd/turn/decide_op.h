// Decodes and decides the turn in hand, in slices between which the loop moves bytes.
//
//     begin() ──▶ decoding ──▶ on_decoded() … decide() ──▶ deciding ──▶ on_decided()
//
// Where it is stands in the pipeline. The first slice comes at once, so that a small turn waits for nothing.
// Failure modes: none of its own; an element that takes long is remembered (trials.h).
// Threading: loop thread. Ownership: the loop's.
#pragma once

#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class DecideOp {
 public:
  DecideOp(TurnParts& parts, TurnListener& listener);

  /// Takes what was read in hand.
  void begin();
  /// What it lacked was fetched.
  void decide();
  /// Forgets what is under way.
  void reset() { slice_.cancel(); }

 private:
  void work();
  void decode();

  TurnParts& parts_;
  TurnListener& listener_;
  redis::NextRound slice_;
  MonoTime began_{};
};

}  // namespace mas::gateway
