// What one turn works on: the elements read from the partitions' lists, what stands in them, and the messages that are
// due to be delivered again.
//
// Happy path: start(), append() each element, begin(), decode_some() until it is done; the bytes are copied once into
// chunks that the turn owns, frames and envelopes are decoded in place, and the few texts that decisions need are kept
// as views. What is appended is for the next turn: it may come while this one is decided. The chunks are reused, so a
// steady stream allocates nothing.
// Failure: an element that is no frame becomes a frame with a `fault`; an envelope that cannot be delivered becomes a
// message with one. Nothing is trusted yet: who sent it is for the decider to find out.
// Once decoded it does not change; what is found out about frames and messages stands beside it (lookups.h).
// Threading: none. Ownership: views live until the next begin(), unless the turn's memory was lent; the batch must
// outlive what it lent.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/turn/text_store.h"
#include "proto/base/clock.h"
#include "proto/base/decisions.h"
#include "proto/redis/rope.h"
#include "proto/wire/envelope.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/frame.h"
#include "proto/wire/lane.h"
#include "proto/wire/replayed.h"
#include "proto/wire/trace_context.h"
#include "proto/wire/waiting_retry.h"

namespace mas::gateway {

/// A turn takes no further frame of a partition that has given it so much: the partition's audit block has to hold a
/// record of each (audit::kBlockRecords, with what is due and the frame that passes the bound).
inline constexpr size_t kPartitionMessages = 4000;
inline constexpr size_t kPartitionBytes = 4 * 1024 * 1024;

/// Why something cannot be delivered whoever sent it.
struct Fault {
  Decision decision = Decision::kMalformed;  ///< MALFORMED or TOO_LARGE
  std::string_view text;
};

/// A member of a partition's sorted set whose time has come.
struct DueRetry {
  unsigned partition = 0;
  std::string_view member;
  WaitingRetry waiting;
  std::string_view fault;  ///< why it cannot be read; then nothing else is there
  std::string_view sender, id, type, correlation_id, conversation;
  TraceContext trace;
  std::optional<double> deadline;
};

struct Message {
  std::string_view envelope;
  std::string_view content;  ///< its `data`, where that is all that is no routing; else the envelope
  std::string_view ticket;
  uint8_t flags = 0;
  std::optional<Fault> fault;
  const FailureReport* report = nullptr;  ///< then it is no envelope, and nothing below to `deadline` is there
  std::string_view target, type, id, correlation_id, conversation;
  std::string_view chain;          ///< raw, see chain.h
  std::optional<double> deadline;  ///< seconds since 1970
  int64_t hops = 0;
  Lane wanted = Lane::kNormal;  ///< the lane that it asks for
  bool is_reply = false;
  bool expects_reply = false;
  bool by_gateway = false;  ///< the gateway wrote it: where it cannot be delivered it is audited, and no dead letter
};

struct FrameInTurn {
  unsigned partition = 0;
  std::string_view element;
  std::optional<Fault> fault;  ///< then nothing below the header is there, and the header is what could be read
  FrameHeader header;
  Digest mac{};
  size_t first = 0;  ///< its messages: [first, first + count) of Batch::messages()
  size_t count = 0;
  bool replay = false;  ///< it says that it is of a gateway: a dead letter, what was archived or held (replay_frame.h)
  bool from_archive = false;
  std::optional<ClaimedVerdict> verdict;  ///< what it says about a held message
};

class Batch {
 public:
  /// @param max_envelope larger envelopes are TOO_LARGE.
  /// @param max_bytes of elements are kept for the next turn, and one element more: as many as begin() takes at most.
  explicit Batch(size_t max_envelope, size_t max_bytes = SIZE_MAX)
      : max_envelope_(max_envelope), max_bytes_(max_bytes) {}

  /// Forgets what was appended since begin().
  void start();
  /// Those of a partition one after another. What the next turn has no room for is dropped, as begin() would do it.
  void append(unsigned partition, std::string_view element);
  /// An element that is too large to be read. @param bytes it has. @param head the first of them.
  void append_oversized(unsigned partition, uint64_t bytes, std::string_view head);
  /// What was appended is not decided but set aside, since deciding it failed.
  void give_up();
  /// @param member of the partition's sorted set of retries.
  void append_due(unsigned partition, std::string_view member);
  /// Of all that was appended as due.
  size_t due_bytes() const { return next_.due_bytes; }
  /// Whether nothing was appended.
  bool empty() const { return next_.elements.empty() && next_.due.empty(); }
  /// Whether a text `priority` in `data` names the lane where `meta.priority` is absent, in letters of either case.
  void look_for_priority_in_data(bool look) { priority_in_data_ = look; }
  /// Forgets the last turn, and begins one with what was appended: its elements in their order, as many as it takes to
  /// have `messages` messages or `bytes` bytes, and at least one; of each partition as many as kPartitionMessages or
  /// kPartitionBytes take. The others are left out, as if they had not been appended. All that is due is in it.
  void begin(size_t messages, size_t bytes);
  /// Goes on decoding what begin() took, at least one element. @return whether all is decoded.
  bool decode_some(MonoTime until);
  void decode(size_t messages, size_t bytes) {
    begin(messages, bytes);
    decode_some(MonoTime::max());
  }
  /// Gives the memory of the turn's elements away: what is viewed in it lives as long as what is returned, no longer.
  redis::Lent lend();
  /// Bytes of the elements that were kept for the turn, also of those that begin() or decode_some() left out.
  size_t kept_bytes() const { return turn_.bytes; }
  /// How many elements of a partition are in the turn.
  size_t elements_of(unsigned partition) const { return partition < taken_.size() ? taken_[partition].elements : 0; }

  const std::vector<FrameInTurn>& frames() const { return frames_; }
  const std::vector<Message>& messages() const { return messages_; }
  const std::vector<DueRetry>& due() const { return due_; }
  /// Which turn it is of: changes with every begin().
  uint64_t number() const { return number_; }
  /// The records of a frame as the MAC needs them.
  std::span<const Record> records_of(const FrameInTurn& frame) const { return {&records_[frame.first], frame.count}; }

 private:
  struct Element {
    unsigned partition;
    std::string_view text;
    uint64_t oversized = 0;  // how large it is, where this is only its head
    bool given_up = false;
  };
  /// What was read for one turn.
  struct Read {
    explicit Read(ChunkPool& pool) : texts(pool) {}
    TextStore texts;
    size_t due_bytes = 0, bytes = 0;      // `bytes`: of elements
    std::vector<size_t> partition_bytes;  // of each partition's elements
    std::vector<Element> elements, due;
    void clear();
  };
  /// What a turn has of a partition.
  struct Taken {
    size_t elements = 0, messages = 0, bytes = 0;
  };
  void append_element(unsigned partition, std::string_view text, uint64_t oversized);
  std::string_view keep(std::string_view text);
  bool full() const { return messages_.size() >= most_messages_ || decoded_bytes_ >= most_bytes_; }
  void take_element(const Element& element);
  void decode_element(const Element& element);
  void decode_due(const Element& element);
  void decode_report(Message& message);
  void decode_envelope(const FrameInTurn& frame, Message& message);

  const size_t max_envelope_, max_bytes_;
  bool priority_in_data_ = false;
  static constexpr size_t kChunkBytes = 1024 * 1024;
  ChunkPool chunks_{kChunkBytes};
  Read next_{chunks_}, turn_{chunks_};
  size_t most_messages_ = 0, most_bytes_ = 0;
  size_t next_element_ = 0;  // of turn_, to be decoded
  size_t decoded_bytes_ = 0;
  std::vector<Taken> taken_;  // by partition
  std::pmr::monotonic_buffer_resource texts_{64 * 1024};
  std::vector<FrameInTurn> frames_;
  std::vector<Message> messages_;
  std::vector<Record> records_;
  std::vector<DueRetry> due_;
  uint64_t number_ = 0;
  Frame scratch_;
  EnvelopeDecoder decoder_;
};

}  // namespace mas::gateway
