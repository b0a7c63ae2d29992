// What arrives on an agent's channel, and what became of what it sent.
#include "proto/base/ids.h"
#include "sdk/src/error.h"
#include "sdk/src/session.h"

namespace mas::sdk {

void Session::on_payload(std::string_view payload) {
  auto message = mas_message::make(payload, hub_->decoder(), agent_.config.max_envelope, *agent_.outbox);
  if (!message) {
    agent_.counters.malformed.add();
    return agent_.debug("dropped a message: " + message.error().message);
  }
  mas_message& received = **message;
  if (received.target() != agent_.config.id) {
    agent_.counters.malformed.add();
    return agent_.debug("dropped a message for '" + printable(received.target()) + "'");
  }
  agent_.counters.received.add();
  if (!received.is_reply()) {
    if (agent_.inbox.push(std::move(*message))) wake_poller();
    return;
  }

  auto request = parse_uuid(received.correlation_id());
  received.keep();
  if (!request || !agent_.requests->end(*request, std::move(*message))) agent_.counters.late_replies.add();
}

/// Once for all that this turn of the loop brings: woken for each message alone, the poller would fight the I/O thread
/// for every one of them.
void Session::wake_poller() {
  if (timers_ != nullptr)
    timers_->wake.request();
  else
    agent_.inbox.wake();
}

void Session::on_outcome(OutgoingKind kind, const Id128& id, std::string_view target, const Status& outcome) {
  bool nobody = !outcome.ok() && outcome.error().code == Errc::kNoReceiver;
  if (outcome.ok() || nobody) agent_.counters.sent.add();
  if (nobody) agent_.counters.undelivered.add();
  if (!outcome.ok() && !nobody) agent_.counters.send_failed.add();

  if (kind == OutgoingKind::kRequest) {
    if (!outcome.ok()) agent_.requests->end(id, outcome.error());
    return;
  }
  ReceiptWish wish = agent_.receipts.load(std::memory_order_relaxed);
  if (wish == ReceiptWish::kNone || (wish == ReceiptWish::kFailures && outcome.ok())) return;
  mas_status status = outcome.ok() ? MAS_OK : status_of(outcome.error().code);
  agent_.inbox.push(Receipt{id, std::string(target), status});
}

void Session::watch_requests() {
  auto next = agent_.requests->expire(mono_now());
  if (next && timers_ != nullptr) timers_->requests.once(std::max(*next - mono_now(), Duration::zero()));
}

}  // namespace mas::sdk
