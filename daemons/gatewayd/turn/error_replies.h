// Error replies that the gateway writes: a request that is given up is answered in the commit that makes it a dead
// letter, so that its requester hears of it whatever becomes of the receiver.
//
// Happy path: need() finds the requester and its reply stream; send() writes the reply in the receiver's name, has it
// judged like every reply (access rules, limits, data-loss prevention, backlog) and recorded in the audit.
// Failure modes:
// - The request has no ticket, or it has expired: nobody waits, and nothing is sent.
// - A stage refuses the reply: it is audited as refused, and the requester waits for its time-out.
// Threading: none. Ownership: what it is made of must outlive it.
#pragma once

#include <cstdint>
#include <string_view>

#include "daemons/gatewayd/turn/message_stages.h"
#include "daemons/gatewayd/turn/needs.h"
#include "daemons/gatewayd/turn/recorder.h"
#include "proto/base/result.h"
#include "proto/wire/envelope.h"
#include "proto/wire/trace_context.h"

namespace mas::gateway {

/// A request that may be given up, as far as the reply to it goes.
struct UnansweredRequest {
  std::string_view requester, correlation_id, conversation;
  TraceContext trace;       ///< the valid part of the request's
  std::string_view ticket;  ///< empty: it is no request, or nobody waits

  static UnansweredRequest of(const Envelope& envelope, std::string_view ticket) {
    const EnvelopeMeta& meta = envelope.meta;
    return {envelope.sender_id, meta.correlation_id, meta.conversation_id,
            valid_context(meta.traceparent, meta.tracestate), ticket};
  }
};

class ErrorReplies {
 public:
  /// Of a partition's turn, for failures that are reported: its audit block has to hold a record of each.
  static constexpr uint32_t kMaxOfTurn = 512;

  ErrorReplies(TurnContext& turn, Needs& needs, MessageStages& stages, Recorder& recorder)
      : turn_(turn), needs_(needs), stages_(stages), recorder_(recorder) {}

  /// Looks for what send() needs. @param frame of the agent that the request was delivered to. @param from its lookup.
  void need(const FrameInTurn& frame, const FrameLookup& from, const UnansweredRequest& request, MessageLookup& found);
  /// @param found by need(). @return whether somebody waits for an answer.
  static bool wanted(const MessageLookup& found) { return found.answers && found.inbox != nullptr; }
  static bool room(const PartitionWork& work) { return work.error_replies < kMaxOfTurn; }
  /// Answers the request. @param replier the frame's sender. @param why the code. @param text of the receiver; any
  /// bytes.
  void send(const FrameInTurn& frame, AgentFacts& replier, PartitionWork& work, const UnansweredRequest& request,
            const MessageLookup& found, Errc why, std::string_view text);

 private:
  static Message reply_to(const UnansweredRequest& request);
  std::string_view write(std::string_view replier, const UnansweredRequest& request, std::string_view id, Errc why,
                         std::string_view text);

  TurnContext& turn_;
  Needs& needs_;
  MessageStages& stages_;
  Recorder& recorder_;
};

}  // namespace mas::gateway
