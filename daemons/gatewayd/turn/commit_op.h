// Commits the turn that was decided, and tells what came of it: in Redis, to senders by receipts, to the decider.
//
//     idle ──start()──▶ sent ──the scripts' replies──▶ on_committed() ──last reply──▶ idle, on_commit_over()
//                         │ failed ──▶ idle once reset(), on_failed()
//
// In one write: receipts of the turn before, lengths of streams, the script, circuits that changed, WAIT. Receipts go
// out once the commit is known to be done, and so many replicas have it as are configured (replica_wait.h).
// On a cluster each partition has a script of its own (commit_builder.h), and each command goes to the node of its
// slot. What follows a script that is done goes out then: receipts, wake-ups of receivers, removals in other slots.
// WAIT is asked behind the last script, of each node that has run one.
// Failure modes:
// - Another gateway has raised an epoch: nothing was changed.
// - Redis refuses keys: nothing was changed. Each is remembered (a partition that rests, a stream that fails, a queue
//   that takes nothing), and the turn is decided anew without them.
// - Of several scripts some fail, or are not answered: what follows the others goes out, and the turn is read again.
//   What is committed is not in the lists any more.
// - Redis refuses all, the link is lost: what the commit did is not known, so everything is read again.
// - The memory of a large turn goes along with the commit, and comes back with what was written.
// Threading: loop thread. Ownership: the loop's; destroyed at any time but from inside its listener.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/circuit_writer.h"
#include "daemons/gatewayd/turn/commit_builder.h"
#include "daemons/gatewayd/turn/replica_wait.h"
#include "daemons/gatewayd/turn/test_hook.h"
#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/base/state_machine.h"
#include "proto/redis/questions.h"

namespace mas::gateway {

class CommitOp {
 public:
  enum class State : uint8_t { kIdle, kSent };

  CommitOp(TurnParts& parts, std::unique_ptr<CommitBuilder> builder, TurnListener& listener);
  ~CommitOp() { parts_.redis.forget(this); }
  CommitOp(const CommitOp&) = delete;
  CommitOp& operator=(const CommitOp&) = delete;

  /// Sends the turn in hand; its place is then free. @return whether it could be sent; else on_failed() was called.
  bool start();
  /// Forgets what is under way, and takes back what the decider learnt by it.
  void reset();
  /// The next server may not have the commits whose receipts wait for replicas.
  void link_lost() { replicas_.forget(); }
  /// Whether the turn changed circuits: who was first with one decides about the next turn.
  bool wrote_circuits() const { return circuits_.wrote_any(); }
  /// Why receipts are withheld; empty: they are not.
  std::string replicas_problem() const { return replicas_.problem(); }

 private:
  enum class Tag : uint8_t { kEvent, kLength, kCommit, kCircuit, kWait };
  struct Asked {
    Tag tag;
    unsigned number = 0;  // of kLength: which delivery; of kCommit: which script; of kCircuit: which change
  };
  /// What follows a script once it is done.
  struct Script {
    bool done = false;
    redis::Command receipts, rest;
  };
  /// What a partition is known to have once the commit is done.
  struct Written {
    unsigned partition;
    audit::BlockHead block;  // number 0: none was written
    std::string field;       // of one of the senders; empty: none was written
    uint64_t last;
  };

  void expect(Tag tag, size_t count = 1);
  redis::Rope build();
  void note_written();
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void unanswered(const Asked& asked, const Error& why);
  void take(const Asked& asked, const redis::Reply& reply);
  void note_what_follows();
  void take_commit(size_t script, const redis::Reply& reply);
  void script_over();
  void tell_done();
  void note_failure(size_t script, const Result<CommitResult>& result);
  void remember();
  void committed();
  size_t ask_replicas();
  void publish(redis::Command receipts);
  TurnFailure keys_refused(size_t script, const std::vector<CommitResult::Refusal>& refused);
  bool key_refused(size_t script, const CommitResult::Refusal& refused);

  TurnParts& parts_;
  TurnListener& listener_;
  StateMachine<State> state_;
  redis::Questions<Asked> asked_;  // by the tags of their replies
  const std::unique_ptr<CommitBuilder> builder_;
  CircuitWriter circuits_;
  SealedTurn sealed_;  // that is being committed
  std::vector<Script> scripts_;
  size_t scripts_left_ = 0;             // that have not answered
  std::optional<TurnFailure> failure_;  // of one that has
  std::vector<Written> written_;
  MonoTime began_{};
  ReplicaWait replicas_;
  LateHook after_write_;
};

}  // namespace mas::gateway
