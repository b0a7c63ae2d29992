// Reading the inboxes of an agent on a Redis Cluster: one request of each partition at a time, and what its answers
// bring. When to look, and at what, ClusterReader says.
//
//     resting ◀──an answer was lost, kRest──┐
//        └──▶ queued ──pump(): there is room──▶ asked ──last answer──▶ queued, while something is wanted
//
// Happy path: wake(), look() and claim() queue partitions; pump() asks what PartitionInbox wants; EntryIntake makes
// messages of the entries.
// Bounded: entries that are asked for count as if they were there (reserved_), so what waits exceeds the inbound bound
// by one entry of each stream of one partition at most. Replies are read at the bound, too. Nothing is read while the
// own lease is not proven, or while Listening is not up.
// Failure modes:
//   a shard does not answer       its partitions rest for kRest and are asked again; the others go on
//   an answer was lost            what it may have brought is read by id
//   a refusal (NOPERM, say)       told to `refused` once the request has ended
//   Redis has less than it had    groups that were there are gone, or were delivered less than they were: told
//   no function to claim with, an entry that three held   as GatewayReader
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/redis/loop.h"
#include "sdk/src/gateway/entry_intake.h"
#include "sdk/src/gateway/held_entries.h"
#include "sdk/src/gateway/listening.h"
#include "sdk/src/gateway/other_instances.h"
#include "sdk/src/gateway/partition_inbox.h"
#include "sdk/src/gateway/reader_notices.h"

namespace mas::sdk {

class PartitionReads {
 public:
  /// What stands around it, and outlives it.
  struct Parts {
    ModeHost& host;
    Deliveries& deliveries;
    DedupeWindow& dedupe;
    HeldEntries& held;
    OtherInstances& others;
    const Listening& listening;
    const std::vector<std::string>& streams;  ///< of all partitions
  };
  static constexpr Duration kRest = std::chrono::milliseconds(200);

  PartitionReads(const Parts& parts, std::function<void(const Error&)> refused);
  ~PartitionReads() { stop(); }
  PartitionReads(const PartitionReads&) = delete;
  PartitionReads& operator=(const PartitionReads&) = delete;

  unsigned partitions() const { return static_cast<unsigned>(slots_.size()); }
  /// Never fewer than before, but for clear().
  void set_partitions(unsigned partitions) { slots_.resize(partitions); }
  /// Nothing is known of any inbox; only after stop().
  void clear() { slots_.clear(); }
  /// @return the partition's streams that have a group, as far as is known.
  StreamSet groups(unsigned partition) const { return slots_[partition].inbox.groups(); }
  /// @return whether there was no function to claim with.
  bool claims_missing() const { return notices_.claims_missing(); }

  // What is wanted; pump() asks for it.

  /// The stream at that place has something new.
  void wake(unsigned partition, size_t place);
  void look() { want_everywhere(&PartitionInbox::look); }
  void claim() { want_everywhere(&PartitionInbox::claim); }
  void look_for_strays() { want_everywhere(&PartitionInbox::look_for_strays); }
  /// Claims again what waited until an entry was acknowledged.
  void claim_what_waited();
  /// Asks what can be asked now.
  void pump();

  /// A refusal of a request that is under way does not count: the reader does not hear, and has told so.
  void forget_refusal() { refusal_.reset(); }
  /// Asks no more, and hears no more answers.
  void stop();

 private:
  /// A partition, and the request that is under way there.
  struct Slot {
    PartitionInbox inbox;
    bool queued = false;
    size_t due = 0;       // answers
    size_t entries = 0;   // asked for, of each stream
    size_t reserved = 0;  // of reserved_
    bool lost = false;
    bool executed = false;          // of what was lost
    bool claim_when_acked = false;  // an entry waits until another that was claimed twice is done with
  };

  void want_everywhere(void (PartitionInbox::*want)());
  void queue(unsigned partition);
  bool ask(unsigned partition);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void took(unsigned partition, size_t index, const redis::Reply& reply);
  void took_read(unsigned partition, const redis::Reply& streams);
  void took_claims(unsigned partition, const redis::Reply& reply);
  void refused(unsigned partition, StreamSet streams, const redis::Reply& error);
  void group_lost(unsigned partition, size_t place);
  void claim_refused(unsigned partition, const redis::Reply& error);
  void end_request(unsigned partition);
  void on_rested();

  ModeHost& host_;
  Deliveries& deliveries_;
  HeldEntries& held_;
  OtherInstances& others_;
  const Listening& listening_;
  const std::vector<std::string>& streams_;
  const std::function<void(const Error&)> refused_;
  EntryIntake intake_;
  ReaderNotices notices_;
  std::vector<Slot> slots_;     // by partition
  std::deque<unsigned> queue_;  // partitions that have something to ask
  size_t reserved_ = 0;
  std::optional<Error> refusal_;  // of a request that has not ended
  redis::Timer rest_;
};

}  // namespace mas::sdk
