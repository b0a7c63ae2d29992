// Judges one message in a turn, stage by stage (policy/stages.h), and delivers what is accepted.
//
// Happy path: decide() asks the stages in order; the message goes into its target's stream, with a ticket where it
// expects a reply, and into the archive where there is one.
// A message that a rule holds goes into the stream of those that wait for a person, and nowhere else.
// Failure modes:
// - A refusal is the case's ruling. Some leave a dead letter (a circuit that is open, a stream that takes no entry).
// - A stage in shadow mode refuses nothing: the case notes the first one.
// Threading: none. Ownership: the context must outlive it. Limiters, guard and circuits are changed as it goes.
#pragma once

#include <string>
#include <string_view>

#include "daemons/gatewayd/dlp/stage.h"
#include "daemons/gatewayd/guard/guard.h"
#include "daemons/gatewayd/turn/turn_context.h"
#include "proto/base/random.h"

namespace mas::gateway {

class MessageStages {
 public:
  explicit MessageStages(TurnContext& turn) : turn_(turn), guard_(SipKey{random_u64(), random_u64()}) {}

  /// @param stage nullptr: payloads are not looked at. Must outlive its use here.
  void set_dlp(dlp::ContentStage* stage) { dlp_ = stage; }
  dlp::ContentStage* dlp() const { return dlp_; }
  /// What waits for a person, as Redis says now.
  void held_seen(const HeldAmount& amount) { held_room_.seen(amount); }
  void configure(const Policy& policy) { guard_.configure(policy.guard); }

  /// Sets the case's ruling, and delivers the message where that accepts it.
  void decide(MessageCase& at);

  // The stages.
  Ruling decode(MessageCase& at);
  Ruling identity(MessageCase& at) { return at.memory != nullptr ? Ruling() : replayed_identity(at); }
  Ruling authorisation(MessageCase& at);
  Ruling target(MessageCase& at);
  Ruling deadline(MessageCase& at);
  Ruling guard(MessageCase& at);
  Ruling rate(MessageCase& at);
  Ruling content(MessageCase& at);
  Ruling circuit(MessageCase& at);
  Ruling backlog(MessageCase& at);
  Ruling approval(MessageCase& at);
  Ruling lane(MessageCase& at);

 private:
  Ruling replayed_identity(MessageCase& at);
  bool over_share(const MessageCase& at, uint64_t records, uint64_t bytes) const;
  void keep_undelivered(const MessageCase& at, std::string reason);
  void hold(const MessageCase& at);
  void deliver(const MessageCase& at);
  void archive(const MessageCase& at);
  std::string_view lasting(const MessageCase& at);
  std::string_view keep_text(std::string text) { return turn_.result.keep(std::move(text)); }

  TurnContext& turn_;
  Guard guard_;
  dlp::ContentStage* dlp_ = nullptr;
  HeldRoom held_room_;
};

}  // namespace mas::gateway
