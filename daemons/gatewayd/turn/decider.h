// Decides the messages of a turn: pure, in memory, stage by stage (policy/stages.h).
//
// What it decides it collects: deliveries by stream, audit records by partition, receipts by frame, dead letters; the
// commit writes all of them. The state of senders and limiters is changed as it goes.
// All that it looks at is in the batch, in the partitions and in the facts (once need() finds nothing missing); `now` is
// the clock of Redis.
// Threading: none. Ownership: results are valid until the next start(), and as long as the batch; seal() takes what is
// needed longer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/archive/entry.h"
#include "daemons/gatewayd/audit/block.h"
#include "daemons/gatewayd/dlp/stage.h"
#include "daemons/gatewayd/facts/facts.h"
#include "daemons/gatewayd/guard/guard.h"
#include "daemons/gatewayd/policy/stages.h"
#include "daemons/gatewayd/turn/batch.h"
#include "daemons/gatewayd/turn/circuits.h"
#include "daemons/gatewayd/turn/partition.h"
#include "daemons/gatewayd/turn/text_store.h"
#include "daemons/gatewayd/turn/ticket.h"
#include "proto/base/keyed_map.h"
#include "proto/base/random.h"
#include "proto/wire/receipt.h"

namespace mas::gateway {

/// A message that begins to wait for another delivery, or ends to.
struct RetryChange {
  std::string_view member;        ///< see waiting_retry.h
  std::optional<WallMicros> due;  ///< nullopt: it waits no longer
};

/// An entry of an agent's stream of which nothing is left to be handled.
struct SpentEntry {
  std::string_view stream, id;
};

/// Records for one stream: one entry. Envelopes stay where they are until the entry is written, so it is in pieces.
struct Delivery {
  std::string_view key;
  std::vector<std::string_view> pieces;
  size_t bytes = 0;  ///< of all pieces
  uint32_t records = 0;
  Inbox* inbox = nullptr;
};

struct DeadLetter {
  std::string_view payload;  ///< the envelope as it would have been delivered, or the element where it is no frame
  std::string_view sender, target, message_id;
  std::string reason;
  uint32_t attempts = 0;  ///< deliveries whose handler failed
  WallMicros first = 0;   ///< when it first was a dead letter; 0: now
};

/// The head of an element that is no frame. Who wrote it has not shown who it is, so it is kept apart from dead letters.
struct Unproven {
  std::string_view payload;
  std::string_view claimed;  ///< the sender that it names; empty: it could not be read
  std::string reason;
};
inline constexpr uint64_t kUnprovenKept = 1000;  ///< of all partitions; older ones go

struct PendingReceipt {
  std::string_view channel;
  std::string bytes;
};

/// One partition's part in a turn.
struct PartitionWork {
  Partition* partition = nullptr;
  bool active = false;    ///< in this turn
  uint32_t elements = 0;  ///< decided, to be trimmed off the list
  std::vector<RetryChange> retries;
  std::vector<SpentEntry> spent;
  audit::BlockBuilder audit;
  archive::EntryBuilder archived;
  std::string archive_entry;                                     ///< by finish(); empty: nothing was archived
  audit::BlockBuilder::Finished block;                           ///< by finish(); empty: nothing was recorded
  std::vector<std::pair<std::string_view, std::string>> fields;  ///< by finish(): of mas.sender:{p}
  std::vector<std::string> removed;                              ///< by finish(): fields to be removed
  std::vector<std::pair<std::string_view, Sender*>> limiters;    ///< changed
  std::vector<Sender::Instance*> instances;                      ///< changed
  const Sender::Instance* wrote = nullptr;                       ///< by finish(): one of those in `fields`, if any
};

struct Counts {
  std::array<uint64_t, 256> decisions{};  ///< by Decision
  uint64_t messages = 0;                  ///< decided now
  uint64_t bytes = 0;                     ///< their envelopes
  uint64_t repeated = 0;                  ///< decided before, asked again
  uint64_t replayed = 0;                  ///< dead letters that were replayed, whatever became of them
  uint64_t archived = 0;                  ///< deliveries that were kept in the archive
  uint64_t archive_replayed = 0;          ///< messages of the archive that were replayed, whatever became of them
  uint64_t gaps = 0;                      ///< frames that came before what stands between
  uint64_t poison = 0;                    ///< elements that were no frame
  uint64_t not_kept = 0;                  ///< dead letters that the queue does not take; only audited
  uint64_t failures = 0;                  ///< handlers that failed, as reported
  uint64_t retried = 0;                   ///< messages that were delivered again because of it
  uint64_t refusals_counted = 0;          ///< refusals that are not recorded one by one
  uint64_t shadow = 0;                    ///< refusals that a policy in shadow mode would have made
};

/// What of a turn is needed once its commit was sent, while the next is decided.
struct SealedTurn {
  std::vector<Delivery> deliveries;
  Counts counts;
  size_t audit_blocks = 0;
  dlp::Stage::Counts findings;
  uint64_t suppressed = 0;  ///< findings that allow-lists let pass
};

class Decider {
 public:
  /// @param payload_key for the keyed hashes of payloads in the audit.
  Decider(const Keys& keys, std::string_view ns, Facts& facts, const TicketOffice& tickets, const HmacKey& payload_key)
      : keys_(keys),
        ns_(ns),
        facts_(facts),
        tickets_(tickets),
        payload_key_(payload_key),
        guard_(SipKey{random_u64(), random_u64()}),
        circuits_(facts) {}

  /// @param stage nullptr: payloads are not looked at. Must outlive its use here.
  void set_dlp(dlp::Stage* stage) { dlp_ = stage; }
  /// @param key of the frames that carry dead letters back (replay.h). Must outlive its use here.
  void set_replay_key(const HmacKey* key) { replay_key_ = key; }
  /// @param key that deliveries are archived under; nullptr: they are not. Must outlive its use here.
  void set_archive(const archive::Key* key) { archive_key_ = key; }
  void set_policy(const Policy& policy) {
    policy_ = policy;
    guard_.configure(policy.guard);
    circuits_.configure(policy.breaker_mode, policy.breaker);
  }
  /// @param keep false: the queue refused one, so letters are only audited, whatever the policy says.
  void keep_dead_letters(bool keep) { keep_dead_letters_ = keep; }

  /// @param keep false: the stream of what is no frame refused one.
  void keep_unproven(bool keep) { keep_unproven_ = keep; }

  /// Begins a turn. @param partitions by number: those that this gateway owns; nullptr for others.
  void start(const std::vector<Partition*>& partitions, WallMicros now, MonoTime mono);
  /// Goes on putting on the facts' lists what deciding lacks, at least one message; ends early where kMostWanted are on them.
  /// To be begun again, by start(), after each read until it asks for nothing.
  /// @param ret_inboxes streams whose length is to be read. @return whether that may be read now.
  bool need_some(Batch& batch, std::vector<Inbox*>& ret_inboxes, MonoTime until);
  static constexpr size_t kMostWanted = 2000;  ///< agents, or streams, about: some megabytes of commands
  /// Goes on deciding the frames, at least one message, and at last what is due. Every element's partition must be one of start()'s.
  /// @return whether all is decided.
  bool decide_some(Batch& batch, MonoTime until);
  /// The number of the frame that was worked on last. Not before decide_some().
  size_t frame_at_hand() const { return next_message_ > 0 || next_frame_ == 0 ? next_frame_ : next_frame_ - 1; }
  void decide(Batch& batch) { decide_some(batch, MonoTime::max()); }
  /// Ends the audit blocks, encodes the states that changed, collects the circuits that did. Partitions are from now on as
  /// they will be after the commit.
  void finish();
  /// The turn's commit is on its way, and the next turn may start. Without it, start() takes back what was learnt of
  /// targets. @param ret_sealed committed() before, or empty: its memory is used again.
  void seal(SealedTurn& ret_sealed);
  /// The sealed turn was committed.
  void committed(SealedTurn& sealed);
  /// Neither the turn that was begun nor the one that was sealed is committed: takes back what was learnt of targets.
  void dropped(SealedTurn& sealed);
  /// Whether so many reply streams are known that shrink() is due.
  bool crowded() const { return reply_inboxes_.size() > kReplyInboxes; }
  /// Forgets reply streams if there are many. No turn, not even a sealed one, may have deliveries.
  void shrink();
  /// Entries that need() lacks, besides what is on the facts' lists: to be read into their blobs, and marked as known.
  const std::vector<ReportedEntry*>& wanted_entries() const { return wanted_entries_; }

  const std::vector<PartitionWork*>& work() const { return active_; }
  std::vector<Delivery>& deliveries() { return deliveries_; }
  const std::vector<DeadLetter>& dead_letters() const { return dead_letters_; }
  const std::vector<Unproven>& unproven() const { return unproven_; }
  const std::vector<CircuitChange>& circuit_changes() const { return circuits_.changes(); }
  const std::vector<PendingReceipt>& receipts() const { return receipts_; }
  const Counts& counts() const { return counts_; }

  struct Ruling {
    Decision decision = Decision::kAllowed;
    std::string_view reason;
    uint32_t retry_after_ms = 0;
  };
  /// What is at hand while one message is decided.
  struct Case {
    const FrameInTurn& frame;
    const Message& message;
    PartitionWork& work;
    Sender* memory;             ///< set by identity(), where nobody did before
    std::string_view envelope;  ///< what is delivered: the sender's, or what was made of it
    Ruling ruling{};            ///< by the stages so far

    Agent& sender() const { return *frame.sender_facts; }
    Agent& target() const { return *message.target_facts; }  ///< from the stage after decode() on
  };
  // The stages (policy/stages.h).
  Ruling decode(Case& at);
  Ruling identity(Case& at);
  Ruling authorisation(Case& at);
  Ruling target(Case& at);
  Ruling deadline(Case& at);
  Ruling guard(Case& at);
  Ruling rate(Case& at);
  Ruling content(Case& at);
  Ruling circuit(Case& at);
  Ruling backlog(Case& at);
  Ruling lane(Case& at);

 private:
  static constexpr size_t kReplyInboxes = 16 * 1024;  ///< that are remembered between turns
  static constexpr size_t kPoisonBytes = 4096;        ///< kept of what cannot be read; enough to see what it is

  void recycle(std::vector<Delivery>& deliveries);
  void need_target(const FrameInTurn& frame, Message& message, std::vector<Inbox*>& ret_inboxes);
  bool choose_lane(const FrameInTurn& frame, Message& message) const;
  void need_outcomes(Agent& target, std::vector<Inbox*>& ret_inboxes);
  void need_length(Inbox& inbox, std::vector<Inbox*>& ret_inboxes);
  Inbox& inbox_of(const FrameInTurn& frame, Message& message);
  bool need_frame(Batch& batch, FrameInTurn& frame, std::vector<Inbox*>& ret_inboxes, MonoTime until);
  bool known_credential(const FrameInTurn& frame) const;
  bool proven_replay(const Batch& batch, FrameInTurn& frame);
  bool decide_frame(Batch& batch, FrameInTurn& frame, MonoTime until);
  bool begin_frame(Batch& batch, FrameInTurn& frame, PartitionWork& work);
  bool begin_messages(const FrameInTurn& frame, PartitionWork& work);
  bool decide_messages(Batch& batch, const FrameInTurn& frame, PartitionWork& work, MonoTime until);
  void decide_replayed(const Batch& batch, const FrameInTurn& frame, PartitionWork& work);
  Ruling rule_replayed(const FrameInTurn& frame, const Message& message, PartitionWork& work);
  void return_letter(const FrameInTurn& frame, const Message& message, const std::string& reason);
  void need_entry(Batch& batch, FrameInTurn& frame, Message& message);
  bool authentic(const Batch& batch, FrameInTurn& frame);
  void need_inbox(DueRetry& due, std::vector<Inbox*>& ret_inboxes);
  Ruling rule_report(const FrameInTurn& frame, const Message& message, Sender& sender, PartitionWork& work);
  void decide_due(const DueRetry& due);
  void redeliver(const DueRetry& due);
  bool letters_kept() const { return !policy_.dead_letters_closed && keep_dead_letters_; }
  uint32_t attempts_of(const Agent& agent) const { return agent.attempts.value_or(policy_.retry.attempts); }
  void wait_again(PartitionWork& work, const WaitingRetry& waiting, WallMicros due);
  bool give_up(PartitionWork& work, const WaitingRetry& waiting, const DueRetry& about, Decision decision,
               std::string reason);
  Ruling rule(Case& at);
  bool over_share(const Case& at, uint64_t records, uint64_t bytes) const;
  void keep_undelivered(const Case& at, std::string reason);
  void note_shadow(const Ruling& ruling);
  void deliver(Case& at);
  void archive_delivery(const Case& at);
  Delivery& delivery_for(Inbox& inbox, size_t bytes);
  Delivery& fresh_delivery(Inbox& inbox);
  void add_record(Delivery& delivery, std::string_view envelope, std::string_view ticket, uint8_t flags,
                  std::string_view retry = {});
  std::string_view lasting(const Case& at);
  void record(PartitionWork& work, const FrameInTurn& frame, const Message& message, uint64_t sequence,
              const Digest& digest, const Ruling& ruling);
  void refuse_start(const FrameInTurn& frame);
  void refuse_frame(PartitionWork& work, const FrameInTurn& frame, Decision decision, std::string_view detail);
  void keep_element(const FrameInTurn& frame, std::string_view detail);
  bool recorded(PartitionWork& work, const FrameInTurn& frame, Sender& sender, Decision decision);
  void record_summaries();
  void record_summary(PartitionWork& work, std::string_view id, Refusals& refusals);
  void dead_letter(const DeadLetter& letter);
  std::string_view say(std::string text);
  void push_receipt(std::string_view channel, const ReceiptMessage& receipt);
  PartitionWork& work_of(unsigned partition);

  const Keys& keys_;
  const std::string ns_;
  Facts& facts_;
  const TicketOffice& tickets_;
  const HmacKey& payload_key_;
  Policy policy_;
  const HmacKey* replay_key_ = nullptr;
  const archive::Key* archive_key_ = nullptr;
  dlp::Stage* dlp_ = nullptr;
  Guard guard_;
  Circuits circuits_;
  bool keep_dead_letters_ = true;
  bool keep_unproven_ = true;

  std::vector<Partition*> partitions_;
  WallMicros now_ = 0;
  MonoTime mono_{};
  uint64_t turn_ = 0;
  bool needing_ = false;                              // need_some() is not through
  size_t need_frame_ = 0, need_message_ = 0;          // to be looked at by it
  size_t next_frame_ = 0, next_message_ = 0;          // to be decided
  std::vector<std::unique_ptr<PartitionWork>> work_;  // by partition
  std::vector<PartitionWork*> active_;
  std::vector<Delivery> deliveries_;
  std::vector<std::vector<std::string_view>> spare_pieces_;
  ChunkPool chunks_{64 * 1024};
  TextStore heads_{chunks_};       // of records
  KeyedMap<Inbox> reply_inboxes_;  // by stream
  uint64_t looks_ = 0;             // passes of need_some()
  std::vector<DeadLetter> dead_letters_;
  std::vector<Unproven> unproven_;
  std::vector<PendingReceipt> receipts_;
  std::vector<std::unique_ptr<std::string>> texts_;  // that results view
  std::vector<Digest> digests_;                      // of the frame at hand
  std::vector<ReportedEntry*> wanted_entries_;
  EnvelopeDecoder decoder_;  // of what is reported
  ReceiptMessage receipt_;
  std::optional<audit::AuditRecord::Shadow> shadow_;  // of the message at hand
  std::span<const std::string_view> detected_;        // in it
  std::string scratch_;
  Counts counts_;
};

}  // namespace mas::gateway
