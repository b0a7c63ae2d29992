// Decides what gateways put into ingress lists themselves: dead letters and archived messages that are replayed, and
// held messages that a person has granted or denied, or that have expired (replay_frame.h). What is replayed or granted
// passes the policy of today; the approval stage lets what was granted pass.
//
// Failure modes:
// - A message that was granted and is refused becomes a dead letter. One that was denied, or has expired, is gone.
// - A dead letter that is refused, also because it cannot be decided now, goes back into the queue: its sender was told
//   long ago and would not send it again.
// - What comes from the archive and is refused is still in the archive.
// Nothing of a sender's numbers is used, and nobody waits for a receipt.
// Threading: none. Ownership: what it is made of must outlive it.
#pragma once

#include <string>

#include "daemons/gatewayd/turn/message_stages.h"
#include "daemons/gatewayd/turn/needs.h"
#include "daemons/gatewayd/turn/recorder.h"

namespace mas::gateway {

class ReplayedFrames {
 public:
  ReplayedFrames(TurnContext& turn, Needs& needs, MessageStages& stages, Recorder& recorder)
      : turn_(turn), needs_(needs), stages_(stages), recorder_(recorder) {}

  /// @return whether a gateway made the frame; else it is decided as any other.
  bool takes(const Batch& batch, size_t number);
  /// See FreshFrames. A replay has one message, so both are through at once.
  bool need(const Batch& batch, size_t number, MonoTime until);
  bool decide(const Batch& batch, size_t number, MonoTime until);

 private:
  static std::string why(const FrameInTurn& frame);
  static bool ended(const FrameInTurn& frame);
  void judge(MessageCase& at);
  void return_letter(const MessageCase& at, std::string reason);

  TurnContext& turn_;
  Needs& needs_;
  MessageStages& stages_;
  Recorder& recorder_;
};

}  // namespace mas::gateway
