// Messages that wait to be delivered again, in mas.retry:{p}: how they begin to, and how they are given up.
//
//     failed ──▶ wait ──▶ due ──▶ delivered again, in an entry of its own
//                  ▲        └───▶ give_up ──▶ dead letter
//                  └─────────────── the queue takes none
// Failure modes:
// - Where the dead-letter queue takes none, a message goes on waiting: nothing is dropped.
// - A member that cannot be read is kept as a dead letter.
// - While Redis is short of memory, what is due is put off.
// Threading: none. Ownership: what it is made of must outlive it.
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/turn/error_replies.h"
#include "daemons/gatewayd/turn/needs.h"
#include "daemons/gatewayd/turn/recorder.h"

namespace mas::gateway {

class Retries {
 public:
  Retries(TurnContext& turn, Needs& needs, Recorder& recorder, ErrorReplies& replies)
      : turn_(turn), needs_(needs), recorder_(recorder), replies_(replies) {}

  /// See FreshFrames. @param number of Batch::due(). Both are through at once.
  bool need(const Batch& batch, size_t number, MonoTime until);
  bool decide(const Batch& batch, size_t number, MonoTime until);

  /// The message waits until `due`.
  void wait(PartitionWork& work, const WaitingRetry& waiting, WallMicros due);
  /// @param about the message: sender, id and type. @return whether it is a dead letter now; else it goes on waiting.
  bool give_up(PartitionWork& work, const WaitingRetry& waiting, const DueRetry& about, Decision decision,
               std::string reason);
  /// How often a message is delivered to the agent at most.
  uint32_t attempts_of(const AgentFacts& agent) const { return agent.attempts.value_or(turn_.policy.retry.attempts); }

 private:
  bool done(const DueRetry& due, const DueLookup& found, PartitionWork& work);
  bool may_be_given_up(const DueRetry& due, const DueLookup& found) const;
  bool end(const DueRetry& due, const DueLookup& found, PartitionWork& work, Decision decision, std::string reason,
           std::string_view text);
  void deliver(const DueRetry& due, const DueLookup& found);

  TurnContext& turn_;
  Needs& needs_;
  Recorder& recorder_;
  ErrorReplies& replies_;
};

}  // namespace mas::gateway
