// Gets what deciding the turn in hand lacks: agents, rules, limits, circuits, lengths of streams, entries that are
// reported about.
//
//     idle ──start()──▶ looking ──something is lacking──▶ reading ──last reply──▶ looking again
//                          └──nothing is──▶ idle, on_fetched()
//
// Looking is done in slices, as decoding and deciding are, and one read asks for a bounded number of agents and
// streams: a turn may name as many agents as it has messages. The reads come to an end, since what was read stays good
// for the turn: what changes is held (Facts::hold), and lengths are new that were read since it began to look.
// Failure modes:
// - A key that cannot be understood is a fact, too: one that refuses (fact_reader.h).
// - An entry that is too large costs the link; it is not asked for again.
// - Facts changed at every read, Redis refuses, the link is lost: all is dropped and begun anew.
// The table of its replies is FactReader's. Threading: loop thread. Ownership: the loop's; destroyed at any time but
// from inside its listener.
#pragma once

#include <vector>

#include "daemons/gatewayd/facts/fact_reader.h"
#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/base/state_machine.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class FetchOp {
 public:
  enum class State : uint8_t { kIdle, kLooking, kReading };

  /// @param master nullptr: no sealed keys.
  FetchOp(TurnParts& parts, const MasterKey* master, TurnListener& listener);
  FetchOp(const FetchOp&) = delete;
  FetchOp& operator=(const FetchOp&) = delete;

  void set_policy(const Policy& policy, const LimitSettings& default_limits);
  /// For the turn that was decoded.
  void start();
  /// Forgets what is under way.
  void reset();

 private:
  void begin_round();
  void look();
  void on_facts(const Status& status);
  std::vector<FactReader::StreamEntryRead> wanted_entries() const;

  TurnParts& parts_;
  TurnListener& listener_;
  StateMachine<State> state_;
  FactReader reader_;
  redis::NextRound slice_;
  size_t rounds_ = 0;
  MonoTime began_{};
  std::vector<TargetStream*> wanted_inboxes_;
};

}  // namespace mas::gateway
