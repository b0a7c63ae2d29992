// What a mode needs of its agent's session.
#pragma once

#include <string>

#include "proto/wire/envelope.h"
#include "proto/wire/lane.h"
#include "sdk/src/core/in_doubt.h"
#include "sdk/src/core/message.h"
#include "sdk/src/core/op.h"
#include "sdk/src/core/outbox.h"

namespace mas::sdk {

class Runtime;

class ModeHost : public OpHost, public OutboxListener {
 public:
  virtual Runtime& runtime() = 0;
  virtual EnvelopeDecoder& decoder() = 0;
  /// A message has come: a reply ends its request, any other goes to the inbox.
  virtual void deliver(Lane lane, MessagePtr message) = 0;
  /// @return whether a request waits for its reply.
  virtual bool awaits_replies() = 0;
  /// The mode does not hear any more, though the session's links may live: the agent is not up until listen() has
  /// succeeded again.
  virtual void on_receiving_lost(const Error& why) = 0;
  /// Redis has less than it had: told and counted; where the agent was up, it comes up again after that.
  virtual void lost_data(const std::string& what) = 0;
  /// Messages that had been accepted may be gone: told and counted. @param why one sentence.
  virtual void in_doubt(InDoubt doubt, const std::string& why) = 0;
  /// Redis's clock may not be what it was; recovered() follows when it is not.
  virtual void ask_time() = 0;
  /// Begins anew under another instance's name, soon.
  virtual void begin_anew(const std::string& why) = 0;
};

}  // namespace mas::sdk
