// The result of a turn: what the commit writes and the receipts tell. Filled while the turn is decided, then read once.
//
//     start ──▶ work_of, deliver, add_letter, … ──▶ finish ──▶ read by the commit ──▶ seal ──▶ committed or dropped
//                                                                                       │ while the next turn fills it
// Failure modes:
// - A turn that is not sealed before the next start() was dropped: its deliveries count for no stream.
// - A sealed turn ends in committed() or dropped().
// Threading: none. Ownership: views that are handed in must live until the commit is sent; keep() makes them do so.
// What it gives out is valid until the next start(); seal() takes along what is needed longer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/gatewayd/archive/entry.h"
#include "daemons/gatewayd/audit/block.h"
#include "daemons/gatewayd/dlp/stage.h"
#include "daemons/gatewayd/facts/facts.h"
#include "daemons/gatewayd/turn/partition.h"
#include "daemons/gatewayd/turn/text_store.h"
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
  bool elsewhere = false;  ///< on a cluster: in another slot, so it is removed once the commit is done
};

/// Records for one stream: one entry. Envelopes stay where they are until the entry is written, so it is in pieces.
struct Delivery {
  std::string_view key;
  std::vector<std::string_view> pieces;
  size_t bytes = 0;  ///< of all pieces
  uint32_t records = 0;
  TargetStream* inbox = nullptr;
};

struct DeadLetter {
  unsigned partition = 0;    ///< that gives it up
  std::string_view payload;  ///< the envelope as it would have been delivered, or the element where it is no frame
  std::string_view sender, target, message_id;
  std::string reason;
  uint32_t attempts = 0;  ///< deliveries whose handler failed
  WallMicros first = 0;   ///< when it first was a dead letter; 0: now
};

/// The head of an element that is no frame. Who wrote it has not shown who it is, so it is kept apart from dead
/// letters.
struct Unproven {
  unsigned partition = 0;  ///< of the list that it was in
  std::string_view payload;
  std::string_view claimed;  ///< the sender that it names; empty: it could not be read
  std::string reason;
};
inline constexpr uint64_t kUnprovenKept = 1000;  ///< in a stream; older ones go

/// A message that waits for a person.
struct HeldMessage {
  unsigned partition = 0;
  std::string_view payload;  ///< the envelope as it would have been delivered
  std::string_view sender, target, type, message_id;
  std::string_view reason;  ///< which rule holds it
  bool replayed = false;    ///< it was a dead letter, or is from the archive
};

struct PendingReceipt {
  unsigned partition = 0;
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
  uint32_t error_replies = 0;  ///< that the gateway wrote
  audit::BlockBuilder audit;
  archive::EntryBuilder archived;
  std::string archive_entry;                                     ///< by finish(); empty: nothing was archived
  audit::BlockBuilder::Finished block;                           ///< by finish(); empty: nothing was recorded
  std::vector<std::pair<std::string_view, std::string>> fields;  ///< by finish(): of mas.sender:{p}
  std::vector<std::string> removed;                              ///< by finish(): fields to be removed
  std::vector<std::pair<std::string_view, Sender*>> limiters;    ///< changed
  std::vector<Sender::Instance*> instances;                      ///< changed
  const Sender::Instance* wrote = nullptr;                       ///< by finish(): one of those in `fields`, if any

  void clear();
  void finish(WallMicros now, WallMicros silent_since, const archive::Key* archive_key);
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
  uint64_t error_replies = 0;             ///< written by the gateway for requests that were given up
  uint64_t refusals_counted = 0;          ///< refusals that are not recorded one by one
  uint64_t shadow = 0;                    ///< refusals that a policy in shadow mode would have made

  void decided(Decision decision, uint64_t times = 1) { decisions[static_cast<uint8_t>(decision)] += times; }
};

/// What of a turn is needed once its commit was sent, while the next is decided.
struct SealedTurn {
  std::vector<Delivery> deliveries;
  Counts counts;
  size_t audit_blocks = 0;
  dlp::ContentStage::Counts findings;
  uint64_t suppressed = 0;  ///< findings that allow-lists let pass
};

class TurnResult {
 public:
  /// @param ns the namespace, for the audit's blocks.
  explicit TurnResult(std::string_view ns) : ns_(ns) {}

  /// Begins a turn. @param partitions by number. @param policy the digest that stands in the audit's blocks.
  void start(const std::vector<Partition*>& partitions, WallMicros now, const Digest& policy);
  /// @param partition one of start()'s that is not nullptr.
  PartitionWork& work_of(unsigned partition);
  /// Adds a record to the entry that fills for the stream; to another one when it is full.
  void deliver(TargetStream& inbox, std::string_view envelope, std::string_view ticket, uint8_t flags);
  /// Adds a record in an entry of its own. @param retry the encoded state of its retries.
  void deliver_alone(TargetStream& inbox, std::string_view envelope, std::string_view ticket, uint8_t flags,
                     std::string_view retry);
  void add_letter(DeadLetter letter) { dead_letters_.push_back(std::move(letter)); }
  void hold(const HeldMessage& message) { held_.push_back(message); }
  void add_unproven(Unproven one) { unproven_.push_back(std::move(one)); }
  /// @param partition of the sender.
  void add_receipt(unsigned partition, std::string_view channel, const ReceiptMessage& receipt);
  /// @return the text, as long as the result is valid.
  std::string_view keep(std::string text) {
    return *texts_.emplace_back(std::make_unique<std::string>(std::move(text)));
  }
  Counts& counts() { return counts_; }
  /// Ends the audit's blocks and encodes the states that changed. Partitions are from now on as they will be after the
  /// commit.
  /// @param silent_since senders that sent nothing since then are forgotten. @param archive_key see
  /// Decider::set_archive().
  void finish(WallMicros silent_since, const archive::Key* archive_key);

  /// Changes with every start().
  uint64_t turn() const { return turn_; }
  const std::vector<PartitionWork*>& work() const { return active_; }
  const std::vector<Delivery>& deliveries() const { return deliveries_; }
  const std::vector<DeadLetter>& dead_letters() const { return dead_letters_; }
  const std::vector<HeldMessage>& held() const { return held_; }
  const std::vector<Unproven>& unproven() const { return unproven_; }
  const std::vector<PendingReceipt>& receipts() const { return receipts_; }
  const Counts& counts() const { return counts_; }

  /// The commit is on its way. @param ret_sealed committed() or dropped() before, or empty: its memory is used again.
  void seal(SealedTurn& ret_sealed);
  /// A stream's length counts up by what was added to it.
  void committed(SealedTurn& sealed);
  void dropped(SealedTurn& sealed);

 private:
  Delivery& delivery_for(TargetStream& inbox, size_t bytes);
  Delivery& fresh_delivery(TargetStream& inbox);
  void add_record(Delivery& delivery, std::string_view envelope, std::string_view ticket, uint8_t flags,
                  std::string_view retry);
  void recycle(std::vector<Delivery>& deliveries);

  const std::string ns_;
  std::vector<Partition*> partitions_;
  WallMicros now_ = 0;
  Digest policy_{};
  uint64_t turn_ = 0;
  std::vector<std::unique_ptr<PartitionWork>> work_;  // by partition
  std::vector<PartitionWork*> active_;
  std::vector<Delivery> deliveries_;
  std::vector<std::vector<std::string_view>> spare_pieces_;
  ChunkPool chunks_{64 * 1024};
  TextStore heads_{chunks_};  // of records
  std::vector<DeadLetter> dead_letters_;
  std::vector<HeldMessage> held_;
  std::vector<Unproven> unproven_;
  std::vector<PendingReceipt> receipts_;
  std::vector<std::unique_ptr<std::string>> texts_;  // that results view
  std::string scratch_;
  Counts counts_;
};

}  // namespace mas::gateway
