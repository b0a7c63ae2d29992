// Receipts that wait for replicas (delivery.wait_replicas): they are published once so many replicas have the commit.
//
//     with replicas ──WAIT is not met within the bound──▶ behind ──WAIT is met──▶ with replicas
//
// Happy path: ask() adds WAIT behind a commit, hold() keeps the commit's receipts, answered() publishes them.
// Failure modes:
// - Too few replicas within the bound: the receipts are withheld, and senders have no outcome. From then on a commit
//   waits for a few milliseconds only, so nobody stands still; WAIT covers all earlier commits of its link, so once it
//   is met, everything that was withheld goes out. A timer asks, too, for when no commit comes. One question in ten
//   bounds' time waits for the whole bound: replicas that need longer than the few milliseconds never catch up with
//   commits that follow each other closely.
// - Too much is withheld: it is forgotten, and senders that ask again get their decisions.
// - The link is lost: what was withheld is forgotten, since the next server may not have those commits.
// On a cluster each node that executed a script is asked, and so many replicas of each have to confirm.
// Threading: loop thread. Ownership: the commit's.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "daemons/common/log.h"
#include "daemons/gatewayd/turn/turn_parts.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class ReplicaWait {
 public:
  explicit ReplicaWait(TurnParts& parts);
  ~ReplicaWait() { parts_.redis.forget(this); }
  ReplicaWait(const ReplicaWait&) = delete;
  ReplicaWait& operator=(const ReplicaWait&) = delete;

  /// Whether receipts wait for replicas at all.
  bool wanted() const { return parts_.options.wait_replicas > 0; }
  /// Adds the question, behind what it is about.
  void ask(redis::Command& command);
  /// On a cluster: a script was executed by that node.
  void committed_at(const redis::Node& node);
  /// On a cluster: asks each of these nodes. @param to whose answers are handed to answered(). @return how many come.
  size_t ask_each(redis::ReplyTo to);
  /// The commit is done, and its receipts wait for the answer.
  void hold(redis::Command receipts);
  /// @param reply to WAIT, behind everything that is held. On a cluster the last of them counts, for the least.
  void answered(const redis::Reply& reply);
  /// Nobody hears what is asked already: earlier commits of the link hold all the same.
  void turn_dropped();
  /// The link is lost.
  void forget();

  /// Why receipts are withheld; empty: they are not.
  std::string problem() const;

 private:
  /// Answers of several nodes to one question.
  struct Round {
    size_t due = 0;
    int64_t least = 0;
  };
  size_t ask_each(Round& round, redis::ReplyTo to);
  bool over(Round& round, const redis::Reply& reply);
  void judge(int64_t replicas);
  void ask_again();
  void on_answer(uint64_t tag, const redis::Answer& answer);
  void ask_soon();
  void fall_behind(int64_t replicas);

  TurnParts& parts_;
  redis::Command held_;
  std::set<redis::Node> nodes_;  // on a cluster: that executed what is held
  Round of_commit_, own_;
  bool more_held_ = false;  // since the own question was asked
  std::optional<MonoTime> behind_since_;
  MonoTime long_wait_at_{};  // while behind: when a question waits for the whole bound again
  int64_t replicas_ = 0;     // that answered last, while behind
  redis::Timer again_;
  common::RepeatFilter repeat_;
  common::Counter& failed_;
  common::Gauge& withheld_;
};

}  // namespace mas::gateway
