// Fences partitions: raises their epochs and loads what their owner has to know of them.
//
//     idle ──start()──▶ asked ──last reply──▶ idle, on_fenced()
//      │                  ▲ │ failed ──▶ idle once reset(), on_failed()
//      └─on a cluster─▶ raising
//
// From INCR on, commits of whoever owned a partition before are refused; what they did is what is loaded. On one server
// all is asked in one write; on a cluster, where a slot may be moving, nothing is read before all epochs are raised.
// Failure modes:
// - A key that cannot be worked with, or is too large to be read, puts its partition to rest; a reply that is too large
//   costs the link as well.
// - Redis went back in time (losses.h): told in the log, on mas.system and in the metrics.
// - Audit blocks that were seen before are gone (audit/chain_memory.h): the next block of the partition records it.
// - The number of partitions has changed, Redis refuses, the link is lost: all is dropped and begun anew.
// Threading: loop thread. Ownership: the loop's; destroyed at any time but from inside its listener.
#pragma once

#include <string>
#include <vector>

#include "daemons/gatewayd/turn/turn_listener.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/base/state_machine.h"
#include "proto/redis/questions.h"

namespace mas::gateway {

class FenceOp {
 public:
  enum class State : uint8_t { kIdle, kRaising, kAsked };

  FenceOp(TurnParts& parts, TurnListener& listener);
  ~FenceOp() { parts_.redis.forget(this); }
  FenceOp(const FenceOp&) = delete;
  FenceOp& operator=(const FenceOp&) = delete;

  /// Fences every partition that is taken over, not fenced and not asleep.
  /// @param archiving whether deliveries are archived, so that the archive's key is looked at, too.
  void start(bool archiving);
  /// Forgets what is under way.
  void reset();

  /// When Redis was last seen to have lost data, and what shows it; 0: never.
  struct Lost {
    WallMicros at = 0;
    std::string what;
  };
  const Lost& lost() const { return lost_; }

 private:
  enum class Tag : uint8_t {
    kEpoch,
    kIngress,
    kListBytes,
    kSenders,
    kArchive,
    kAuditHead,
    kRetryCount,
    kFirstRetry,
    kPartitions
  };
  struct Asked {
    Tag tag;
    unsigned partition = 0;
  };
  /// What is asked about one partition.
  struct Question {
    Tag tag;
    const std::string Partition::*key;
    redis::Reply::Type answer;
    bool may_be_large = false;
  };
  static const Question kQuestions[];

  void raise(redis::Command& command, const Partition& partition);
  void ask();
  void send(State state, redis::Command command);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void unanswered(const Asked& asked, const Error& why);
  void take(const Asked& asked, const redis::Reply& reply);
  void take_partitions(const redis::Reply& reply);
  Status load(Partition& partition, const Question& question, const redis::Reply& reply);
  void load_epoch(Partition& partition, int64_t epoch);
  Status load_senders(Partition& partition, const redis::Reply& reply);
  Status load_audit_head(Partition& partition, const redis::Reply& reply);
  void compare_chain(Partition& partition);
  void tell_losses();

  TurnParts& parts_;
  TurnListener& listener_;
  StateMachine<State> state_;
  redis::Questions<Asked> asked_;         // by the tags of their replies
  std::vector<const Partition*> raised_;  // that are being fenced
  bool archiving_ = false;
  audit::ChainMemory::Tips known_;  // of the chains, when Redis was asked
  Lost lost_;
};

}  // namespace mas::gateway
