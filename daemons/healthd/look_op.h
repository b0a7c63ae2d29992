// Looks at a batch of agents and writes the verdicts.
//
//     idle ──start──▶ looking ──last answer, verdicts──▶ writing ──last answer──▶ idle, on_looked
//                        └──────── no status change ───────────────────────────▶
//
// A look is a bounded read of the entry (hash_reads.h) and PTTL of the heartbeat, all of a batch in one write. A status
// change is a script that checks again before it writes, so a write is right whatever happened since the look, and by
// whomever it is made: it never brings back a deleted entry, never calls an agent dead whose heartbeat exists.
// Failure: an agent whose look or write failed is tried again later; the first error of a batch goes to on_looked.
// Redis's clock is asked for before the batch: where it was set forward, the engine is told before what was seen is
// judged. On a cluster replies come in any order; those of one agent, which are of one slot, in theirs.
// An answer that took longer than kStall means that Redis, or this process, stood still; the engine is told.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its own callbacks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemons/healthd/liveness.h"
#include "daemons/healthd/server_clock.h"
#include "daemons/healthd/stats.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/keys.h"

namespace mas::health {

class LookListener {
 public:
  virtual ~LookListener() = default;
  /// The batch is done. `status` is the first error, if any.
  virtual void on_looked(const Status& status) = 0;
  virtual void on_flapping(const std::string& id) = 0;
  /// Redis takes no writes for now, from anybody.
  virtual void on_writes_refused() = 0;
  /// An entry has a field that is too large to be read; it counts as no entry.
  virtual void on_unreadable(const std::string& id, const std::string& why) = 0;
};

class LookOp {
 public:
  enum class State : uint8_t { kIdle, kLooking, kWriting };
  /// Agents per batch; bounds what is in flight.
  static constexpr size_t kBatch = 256;
  static constexpr Duration kStall = std::chrono::seconds(1);

  LookOp(redis::Client& redis, const Keys& keys, Liveness& liveness, Stats& stats, ServerClock& clock,
         LookListener& listener);
  ~LookOp() { redis_.forget(this); }
  LookOp(const LookOp&) = delete;
  LookOp& operator=(const LookOp&) = delete;

  /// @param agents taken from `liveness`, 1 to kBatch of them. The listener is not called from inside.
  /// @return an error when nothing was sent; the agents are given back and the listener is not called.
  Status start(std::vector<AgentRef> agents);
  /// Gives back what is under way without an outcome.
  void cancel();
  bool idle() const { return state_.is(State::kIdle); }

 private:
  struct Look {
    AgentRef agent;
    Sight sight;
    bool failed = false;
    bool open = true;  // not given back yet
    StatusChange change = StatusChange::kNone;
  };

  void on_sight(uint64_t tag, const redis::Answer& answer);
  void take_entries(size_t first, const redis::Answer& reply);
  void take_entry(Look& look, const redis::Reply& reply);
  void end_look(Look& look);
  void write();
  void on_written(uint64_t tag, const redis::Answer& answer);
  void end_write(Look& look, bool applied);
  void note_failure(Look& look, const Error& why);
  void finish();

  redis::Client& redis_;
  const Keys& keys_;
  Liveness& liveness_;
  Stats& stats_;
  ServerClock& clock_;
  LookListener& listener_;
  const size_t per_script_;
  StateMachine<State> state_;
  std::vector<Look> looks_;
  std::vector<size_t> writes_;  // which looks are being written, by position
  size_t answered_ = 0;
  MonoTime sent_{};
  Status status_;
};

/// @return the micro-seconds that a decimal number of seconds means; 0 for anything else or out of range.
WallMicros micros_of_seconds(std::string_view text);

}  // namespace mas::health
