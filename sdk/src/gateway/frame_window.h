// The sender's half of the hand-over to the gateway: which messages are without an outcome, under which numbers they
// went out, and what a receipt, a time-out or a lost link means for them. Pure: no clock, no socket.
//
//     add() ─▶ to go out ──next_frame(), pushed()──▶ in flight ──receipt──▶ settled ─▶ listener
//                 ▲                                      │
//                 └── resend: gap, time-out, lost answer ┘
//
// Batches. While two frames are without an answer, new messages wait for more of their kind (Gathering).
// Numbers. Slot i of the ring has sequence number `base + i`: what is settled leaves at the front. A resend takes the
// same numbers. Where a frame was refused as a whole, its numbers were not used: once every frame from there on is
// answered, the refused messages are taken out and those behind move up (close_gap).
// Order. Frames go into one list and are handled in its order, so a receipt for one frame says that every frame pushed
// before it has been handled: what of these has no outcome (the frame or its receipt was lost) goes out again. A
// time-out therefore resends one message only, the oldest: its receipt tells about all the rest. So a gateway that is
// away for hours costs Redis a message at a time, not a window.
// Truth. A message gets the outcome of a receipt for a frame that held it, or none. A frame that is refused says
// nothing about a copy that went out before and was not answered (`uncertain`): such a message waits on.
// Probes. After a lost link with nothing in flight, nothing would tell that Redis lost what was accepted. So a frame
// with a number that leaves a gap goes out, and the answer names the number that the gateway waits for. The frame's own
// number is far ahead of all messages, so that a copy which comes late leaves a gap, too, and is never decided.
// Failure: kLost when the gateway waits for a number that was settled: Redis went back in time, and take_in_doubt()
// tells which messages may be gone; or the gateway has forgotten an instance that was away for long (unknown_since).
// kStuck when frames around a gap get no answer for long. restart() then counts from 1 again, for a new instance; what
// the old one has not decided it can never decide.
// Threading: none. Ownership: slots point into batches, which the owner keeps until their last slot is settled.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/backoff.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/wire/digest.h"
#include "proto/wire/receipt.h"
#include "proto/wire/record_batch.h"
#include "sdk/src/core/outbox.h"
#include "sdk/src/core/ring.h"
#include "sdk/src/gateway/accepted_messages.h"
#include "sdk/src/gateway/gathering.h"
#include "sdk/src/gateway/unanswered_frames.h"

namespace mas::sdk {

/// Messages as they were queued: their records, and whom they are for, in one text each.
struct SendBatch;

struct SendSlot {
  enum class State : uint8_t { kWaiting, kSettled, kRefused };

  SendBatch* batch = nullptr;
  Id128 id;
  Digest digest{};  ///< of the envelope, where frames are signed
  uint32_t record_at = 0;
  uint32_t record_size = 0;
  uint32_t target_at = 0;
  uint16_t target_size = 0;
  OutgoingKind kind = OutgoingKind::kMessage;
  State state = State::kWaiting;
  bool report = false;     ///< the library's own: of a handler that failed
  bool uncertain = false;  ///< an earlier copy may have been decided
  uint64_t pushed = 0;     ///< number of the frame with its latest copy; 0: is to go out
};

class FrameWindowListener {
 public:
  virtual ~FrameWindowListener() = default;
  virtual void on_settled(const SendSlot& slot, const SendOutcome& outcome) = 0;
};

class FrameWindow {
 public:
  struct Range {
    uint64_t first;
    uint32_t count;  ///< 0: a probe
  };
  /// Which accepted messages are remembered.
  struct DoubtWindow {
    size_t messages;
    Duration time;
  };
  /// What a receipt or a time-out calls for besides another look at next_frame().
  enum class Effect : uint8_t {
    kNone,
    kUnknownFrame,  ///< a receipt for a frame that waits for none
    kLost,          ///< the gateway waits for a number that was settled: a new instance has to begin
    kStuck,         ///< numbers that a refused frame left unused are never asked for: a new instance has to begin
    kWrongTime,     ///< the gateway refused a frame's timestamp: Redis's clock is not what it was taken for
  };
  enum class Write : uint8_t { kDone, kNotDone, kUnknown };

  FrameWindow(FrameWindowListener& listener, DoubtWindow doubt);

  void add(const SendSlot& slot) { slots_.push(slot); }
  /// @return messages without an outcome.
  size_t waiting() const { return slots_.size() - settled_inside_; }
  const SendSlot& slot(uint64_t sequence) const { return slots_[sequence - base_]; }

  /// @return what is to go out next, contiguous and within a frame's limits; nothing when nothing is or may.
  std::optional<Range> next_frame(MonoTime now);
  /// The frame goes out. @return its number: rises by one with each.
  uint64_t pushed(Range range, const Id128& frame, MonoTime now);
  /// What became of writing the frames numbered `first` to `last` into the list.
  void on_write(uint64_t first, uint64_t last, Write outcome, MonoTime now);
  /// Redis refused these frames for good: as if the gateway had.
  void on_write_refused(uint64_t first, uint64_t last, const SendOutcome& outcome);
  Effect on_receipt(const ReceiptMessage& receipt, MonoTime now);
  /// Redis can be reached and receipts are heard (again), or it takes what it refused: asks about what is in flight,
  /// and nothing waits for its time.
  void on_link(MonoTime now);

  /// @return when on_time has something to do.
  std::optional<MonoTime> next_time() const;
  Effect on_time(MonoTime now);
  /// @return whether what is in flight has waited longer than it should; on_time() asks about it.
  bool overdue(MonoTime now) const { return awaits_answer() && progress_ + patience_ <= now; }
  /// @return whether what the gateway would not decide goes out again from now on.
  bool held_long_enough(MonoTime now) const { return hold_until_ != MonoTime{} && hold_until_ <= now; }
  /// @return why the gateway put off deciding, in its words; empty once it decides.
  const std::string& obstacle() const { return obstacle_; }
  /// @return whether the next frame should go out alone: those before it were put off, and it may be, too.
  bool careful() const { return hold_backoff_.attempts() > 0; }
  /// From now on nothing waits for more.
  void gather_no_more() { gathering_.allow(false); }

  /// After kLost. @return when the gateway last decided a frame of this instance, which it does not know at all now;
  /// nullopt: it knows the instance.
  std::optional<MonoTime> unknown_since() const {
    return lost_from_ == uint64_t{1} ? std::optional(decided_at_) : std::nullopt;
  }
  /// After kLost: the messages that were accepted and are not known to the gateway any more. Once.
  InDoubt take_in_doubt();
  /// A new instance: numbers begin at 1. Messages that the old one may have decided are settled as unknown.
  void restart(MonoTime now);
  /// Settles everything: kCancelled where it is known not to have been decided, else kTimeout.
  void abandon();

 private:
  using Frame = UnansweredFrames::Frame;
  using FrameAt = UnansweredFrames::Iterator;

  enum class Probe : uint8_t { kNone, kWanted, kOut };

  bool awaits_answer() const { return in_flight_ > 0 || gap_ || probe_ == Probe::kOut; }
  SendSlot& at(uint64_t sequence) { return slots_[sequence - base_]; }
  uint64_t end() const { return base_ + slots_.size(); }
  template <typename Fn>
  void each_waiting(uint64_t first, uint64_t last, Fn&& fn);
  void settle(SendSlot& slot, const SendOutcome& outcome, SendSlot::State state = SendSlot::State::kSettled);
  void accepted(const SendSlot& slot, uint64_t sequence);
  void again(SendSlot& slot, uint64_t sequence, bool undecided);
  void supersede(uint64_t number, uint64_t undecided_from);
  void decided(FrameAt frame, const ReceiptMessage& receipt);
  Effect resend_from(FrameAt frame, uint64_t sequence);
  Effect refused(FrameAt frame, const Outcome& outcome, MonoTime now);
  void refuse(FrameAt frame, const SendOutcome& outcome);
  void hold(MonoTime now, Duration at_least);
  bool gathers(Range range, size_t bytes, MonoTime now);
  void close_gap();
  void pop_settled();

  FrameWindowListener& listener_;
  Ring<SendSlot> slots_;
  uint64_t base_ = 1;            // number of the first slot
  uint64_t next_out_ = 1;        // no slot below is to go out
  uint64_t never_out_ = 1;       // no slot from there on has gone out
  size_t in_flight_ = 0;         // slots that wait, with a copy out
  size_t settled_inside_ = 0;    // slots that are settled and still in the ring
  std::optional<uint64_t> gap_;  // first number that a refused frame left unused
  AcceptedMessages accepted_;
  std::optional<uint64_t> lost_from_;  // the number that the gateway waits for
  MonoTime decided_at_{};              // the last receipt with decisions
  Probe probe_ = Probe::kNone;

  UnansweredFrames frames_;

  MonoTime progress_{};  // the last receipt, or when something went out with nothing in flight
  Duration patience_;
  MonoTime hold_until_{};
  Backoff hold_backoff_;
  std::string obstacle_;
  Gathering gathering_;
};

/// What a gateway's decision means for the sender.
SendOutcome outcome_of(const Outcome& outcome);

}  // namespace mas::sdk
