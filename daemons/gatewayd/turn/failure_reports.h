// Decides what agents report of handlers that failed: the message waits for another delivery, or is given up.
//
// A report uses a number of its sender's and takes of its limits as any message does, but it is none: the audit has
// only what follows from it. The entry is the agent's own, so what it says of it concerns nobody else; that it is there
// is what makes it true.
// Failure modes:
// - UNAVAILABLE, to be reported again: the entry was not or cannot be read, or nothing more may wait and the
//   dead-letter queue takes none.
// - MALFORMED: the entry has no such message, or one that is not the reporter's.
// - A report that was made before is accepted and does nothing.
// Threading: none. Ownership: what it is made of must outlive it.
#pragma once

#include "daemons/gatewayd/turn/error_replies.h"
#include "daemons/gatewayd/turn/message_stages.h"
#include "daemons/gatewayd/turn/needs.h"
#include "daemons/gatewayd/turn/retries.h"
#include "proto/wire/envelope.h"

namespace mas::gateway {

class FailureReports {
 public:
  FailureReports(TurnContext& turn, Needs& needs, MessageStages& stages, Retries& retries, ErrorReplies& replies)
      : turn_(turn), needs_(needs), stages_(stages), retries_(retries), replies_(replies) {}

  /// @param message a report that has no fault. @param from its frame's lookup: the sender is proven. @param found its
  /// lookup.
  /// @return bytes of an envelope that it decoded.
  size_t need(const FrameInTurn& frame, const Message& message, const FrameLookup& from, ReportLookup& found);
  /// Sets the case's ruling. @param found the report's lookup.
  void decide(MessageCase& at, const ReportLookup& found) { at.ruling = judge(at, found); }

 private:
  bool partition_fits(const FailureReport& report) const;
  /// @return bytes that it decoded.
  size_t decode_request(const ReportedEntry& entry, uint32_t index, ReportedRequest& ret_request);
  Ruling judge(MessageCase& at, const ReportLookup& found);
  Ruling judge_entry(const MessageCase& at, const ReportLookup& found);
  Ruling take(const MessageCase& at, const ReportLookup& found, const Record& record, const Envelope& envelope,
              bool room);
  void give_up(const MessageCase& at, const ReportLookup& found, const Record& record, const Envelope& envelope,
               const WaitingRetry& waiting, bool room);

  TurnContext& turn_;
  Needs& needs_;
  MessageStages& stages_;
  Retries& retries_;
  ErrorReplies& replies_;
  EnvelopeDecoder decoder_;
};

}  // namespace mas::gateway
