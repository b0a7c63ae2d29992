// Reads what the next turn is made of: elements of the lists, and messages that are due to be delivered again.
//
//     idle ──read()──▶ asked ──last reply──▶ idle, on_read()
//      │  └─large lists─▶ weighing ──last reply──▶ asked
//      └─read_along(), read_ahead()──▶ asked
//
// A read is bounded by what lies there, not by what lay there before. Redis tells the size of a list without touching
// what is in it (MEMORY USAGE), with each read and each peek for the next one. While all lists together are small, they
// are read as they come. Where they are not, those that are large are weighed first (list_weight.h): one more round
// trip, and a read takes what fits. So an element that is too large comes to lie at the head of its list, where its
// length is read and its content is not; in the turn it is a stub with its first bytes, which is set aside like
// anything else that is no frame.
// Failure modes:
// - A key that cannot be worked with puts its partition to rest, unless turns are under way: then fencing comes by it
//   again.
// - A value that is too large to be read is remembered, the link is given up, and the next read weighs.
// - An element in doubt (trials.h) is read alone.
// - Another gateway has the partition, Redis refuses, the link is lost: all is dropped and begun anew.
// Threading: loop thread. Ownership: the loop's; destroyed at any time but from inside its listener.
#pragma once

#include <vector>

#include "daemons/gatewayd/turn/due_retries.h"
#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/base/state_machine.h"
#include "proto/redis/questions.h"

namespace mas::gateway {

class ReadOp {
 public:
  enum class State : uint8_t { kIdle, kWeighing, kAsked };

  ReadOp(TurnParts& parts, TurnListener& listener);
  ~ReadOp() { parts_.redis.forget(this); }
  ReadOp(const ReadOp&) = delete;
  ReadOp& operator=(const ReadOp&) = delete;

  /// With no turn in hand or being committed.
  void read();
  /// In the write of the commit that was just sent. Not where lists have to be weighed or an element is tried alone,
  /// nor on a cluster.
  void read_along();
  bool may_read_along() const;
  /// The next turn, while this one is decided and the one before committed. Not when something is due to be delivered
  /// again, which is asked for only with no turn in hand (it may be due in that one, too).
  void read_ahead();
  bool may_read_ahead() const;

  /// A turn was committed: what it has set aside is done with.
  void turn_committed();
  /// Forgets what is under way.
  void reset();

 private:
  enum class Tag : uint8_t { kTime, kTrial, kElements, kListBytes, kHead, kWeight, kDue, kNextDue, kRetryCount };
  struct Asked {
    Tag tag;
    unsigned partition = 0;
  };

  void try_alone(Partition& partition);
  bool must_weigh() const;
  void weigh();
  void read_weighed();
  void ask();
  void ask_partition(redis::Command& command, Partition& partition);
  void sent(redis::Command command);
  size_t share() const;
  size_t elements_to_ask(const Partition& partition) const;
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void unanswered(const Asked& asked, const Error& why);
  void take(const Asked& asked, const redis::Reply& reply);
  void take_time(const redis::Reply& reply);
  void take_elements(Partition& partition, const redis::Reply& reply);
  void take_retries(Tag tag, Partition& partition, const redis::Reply& reply);
  void finish();

  TurnParts& parts_;
  TurnListener& listener_;
  StateMachine<State> state_;
  redis::Questions<Asked> asked_;  // by the tags of their replies
  DueRetries retries_;
  MonoTime began_{};
  size_t active_ = 1, active_before_ = 1;  // partitions that had elements in the last read, and in the one before
  size_t first_ = 0;                       // partitions take turns at being read first
};

}  // namespace mas::gateway
