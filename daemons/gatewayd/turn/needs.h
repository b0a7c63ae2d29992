// Finds what deciding a turn lacks: facts of agents, lengths of streams. What is missing is put on lists, read, and
// looked for again, pass by pass, until nothing is.
//
// Failure modes:
// - what could not be read is known as such: the facts, or the stream, say why;
// - a stream that refused an entry, or is full, is looked at again after a while.
// Threading: none. Ownership: the context must outlive it; lists view agents and streams of the facts.
#pragma once

#include <cstdint>
#include <vector>

#include "daemons/gatewayd/turn/turn_context.h"
#include "proto/base/keyed_map.h"
#include "proto/wire/wake_up.h"

namespace mas::gateway {

class Needs {
 public:
  explicit Needs(TurnContext& turn) : turn_(turn) {}

  /// Begins a pass: the lists are empty. @param ret_inboxes the list of streams; to be there until the pass ends.
  void begin(std::vector<TargetStream*>& ret_inboxes);
  /// Whether the lists are as long as one read may be.
  bool enough() const { return turn_.facts.wanted() >= kMaxWanted || inboxes_->size() >= kMaxWanted; }
  static constexpr size_t kMaxWanted = 2000;  ///< agents, or streams, about: some megabytes of commands

  void sender(const FrameInTurn& frame, FrameLookup& found);
  void target(const FrameInTurn& frame, const Message& message, const FrameLookup& from, MessageLookup& found);
  void entry(ReportedEntry& entry);
  void due(const DueRetry& due, DueLookup& found);

  /// Entries that are reported about, to be read into their blobs and marked as known.
  const std::vector<ReportedEntry*>& wanted_entries() const { return wanted_entries_; }
  /// Whether so many reply streams are known that forget_replies() is due.
  bool crowded() const { return reply_inboxes_.size() > kReplyInboxes; }
  /// No turn, not even a sealed one, may have deliveries.
  void forget_replies() { reply_inboxes_.clear(); }

 private:
  static constexpr size_t kReplyInboxes = 16 * 1024;  // that are remembered between turns

  bool choose_lane(const Message& message, const FrameLookup& from, MessageLookup& found) const;
  TargetStream& inbox_of(const FrameInTurn& frame, const Message& message, MessageLookup& found);
  TargetStream& stream_of(AgentFacts& agent, Lane lane, unsigned partition);
  void place(TargetStream& inbox, std::string_view receiver, const WakeUp& wake_up);
  void outcomes(AgentFacts& target);
  void length(TargetStream& inbox);

  TurnContext& turn_;
  uint64_t pass_ = 0;
  std::vector<TargetStream*>* inboxes_ = nullptr;
  std::vector<ReportedEntry*> wanted_entries_;
  KeyedMap<TargetStream> reply_inboxes_;  // by stream
};

}  // namespace mas::gateway
