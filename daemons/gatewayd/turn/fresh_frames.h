// Decides frames that agents sent: who sent it, which numbers it has, then its messages one by one.
//
//     need ──▶ decide ──refused as a whole──▶ receipt FrameRefused, no number used
//                │  └──numbers are missing──▶ receipt ResendFrom
//                └─────its messages──▶ receipt Decided
//
// The same two calls as ReplayedFrames and DueRetries have: need() until nothing is lacking, then decide().
// Failure modes:
// - A frame whose sender is not proven uses no number and changes no state; its element is kept where it is no frame.
// - A frame that cannot be decided now is UNAVAILABLE as a whole, and its sender sends it again.
// Threading: none. Ownership: what it is made of must outlive it.
#pragma once

#include <string_view>
#include <vector>

#include "daemons/gatewayd/turn/failure_reports.h"
#include "daemons/gatewayd/turn/message_stages.h"
#include "daemons/gatewayd/turn/needs.h"
#include "daemons/gatewayd/turn/recorder.h"

namespace mas::gateway {

class FreshFrames {
 public:
  FreshFrames(TurnContext& turn, Needs& needs, MessageStages& stages, FailureReports& reports, Recorder& recorder)
      : turn_(turn), needs_(needs), stages_(stages), reports_(reports), recorder_(recorder) {}

  void start() { next_message_ = next_need_ = 0; }
  /// @param number of the frame. @return whether all that it lacks is on the lists; else the time is over.
  bool need(const Batch& batch, size_t number, MonoTime until);
  /// @return whether all of its messages are decided; else the time is over.
  bool decide(const Batch& batch, size_t number, MonoTime until);
  /// Whether a frame is decided in part.
  bool amid() const { return next_message_ > 0; }

 private:
  bool known_credential(const FrameInTurn& frame, const FrameLookup& found) const;
  AuthResult authenticated(const Batch& batch, const FrameInTurn& frame, const FrameLookup& found);
  bool begin(const Batch& batch, const FrameInTurn& frame, const FrameLookup& found, PartitionWork& work);
  bool begin_messages(const FrameInTurn& frame, const FrameLookup& found, PartitionWork& work);
  bool decide_messages(const Batch& batch, const FrameInTurn& frame, const FrameLookup& found, PartitionWork& work,
                       MonoTime until);
  void decide(MessageCase& at, size_t index, uint64_t sequence, const Digest& envelope);
  void refuse_start(const FrameInTurn& frame);
  void refuse(PartitionWork& work, const FrameInTurn& frame, Decision decision, std::string_view detail);
  void keep_element(const FrameInTurn& frame, std::string_view detail);
  std::string_view receipts_of(const FrameInTurn& frame);

  TurnContext& turn_;
  Needs& needs_;
  MessageStages& stages_;
  FailureReports& reports_;
  Recorder& recorder_;
  size_t next_need_ = 0, next_message_ = 0;  // of the frame at hand
  std::vector<Digest> digests_;              // of its envelopes
  ReceiptMessage receipt_;
};

}  // namespace mas::gateway
