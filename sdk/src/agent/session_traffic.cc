// What has come for an agent, and what became of what it sent.
#include "proto/base/ids.h"
#include "sdk/src/agent/session.h"
#include "sdk/src/core/error.h"

namespace mas::sdk {

void Session::deliver(Lane lane, MessagePtr message) {
  agent_.counters.received.add();
  if (message->is_reply()) return take_reply(std::move(message));
  message->settled_by(*agent_.settlements, agent_.settlements->start());
  if (state_.is(State::kStopping) && !mode_.traits.keeps_all) return agent_.settlements->refuse(*message);
  if (agent_.inbox.push(lane, std::move(message))) wake_poller();
}

void Session::take_reply(MessagePtr reply) {
  using Answered = Requests::Answered;
  auto request = parse_uuid(reply->correlation_id());
  reply->keep();
  const bool sole = mode_.traits.redelivers;
  const Answered answered = request ? agent_.requests->answer(*request, reply, sole) : Answered::kNobodyWaits;
  if (answered == Answered::kNobodyWaits) agent_.counters.late_replies.add();
  if (answered != Answered::kNotAsked) return;  // else the reply is still there
  agent_.counters.foreign_replies.add();
  agent_.debug("dropped a reply of '" + printable(reply->sender()) + "', which was not asked");
}

/// Once for all that this turn of the loop brings: woken for each message alone, the poller would fight the I/O thread
/// for every one of them.
void Session::wake_poller() {
  if (timers_ != nullptr)
    timers_->wake.request();
  else
    agent_.inbox.wake();
}

void Session::on_outcome(OutgoingKind kind, const Id128& id, std::string_view target, const SendOutcome& outcome) {
  const Status& status = outcome.status;
  bool nobody = !status.ok() && status.error().code == Errc::kNoReceiver;
  bool decided = outcome.decision.has_value();
  if (status.ok() || nobody) agent_.counters.sent.add();
  if (nobody) agent_.counters.undelivered.add();
  if (!status.ok() && decided) agent_.counters.refused.add();
  if (!status.ok() && !nobody && !decided) agent_.counters.send_failed.add();

  const mas_status end = status.ok() ? MAS_OK : status_of(status.error().code);
  if (agent_.tracer->on() && kind != OutgoingKind::kRequest && agent_.tracer->end(id, end)) wake_poller();

  if (kind == OutgoingKind::kSilent) return;
  if (kind == OutgoingKind::kRequest && status.ok()) {  // its reply ends it
    if (outcome.receivers > 0) agent_.requests->handed_over(id, outcome.receivers);
    return;
  }
  ReceiptWish wish = agent_.receipts.load(std::memory_order_relaxed);
  bool wanted = wish == ReceiptWish::kAll || (wish == ReceiptWish::kFailures && !status.ok());
  if (kind == OutgoingKind::kMessage && !wanted) return;

  ReceiptNote note{outcome.decision, outcome.retry_after_ms, std::string(outcome.detail)};
  if (!status.ok()) note.detail = status.error().message;
  if (kind != OutgoingKind::kMessage) {
    Result<MessagePtr> result = status.ok() ? Result<MessagePtr>(MessagePtr()) : status.error();
    bool waited = agent_.requests->end(id, std::move(result), note);
    if (waited || kind == OutgoingKind::kRequest || !wanted) return;
  }
  agent_.inbox.push(Receipt{id, std::string(target), end, std::move(note)});
}

void Session::watch_requests() {
  auto next = agent_.requests->expire(mono_now(), agent_.late("no reply in time"));
  if (next && timers_ != nullptr) timers_->requests.once(std::max(*next - mono_now(), Duration::zero()));
}

}  // namespace mas::sdk
