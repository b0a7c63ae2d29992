// What arrives on an agent's channel, and what became of what it sent.
#include "proto/base/ids.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"
#include "sdk/src/agent/session.h"
#include "sdk/src/core/error.h"

namespace mas::sdk {
namespace {

/// @return whom an envelope names as its sender, though it cannot be taken: for who looks for where it comes from.
std::string claimed_sender(std::string_view envelope) {
  std::string name = "nobody";
  if (envelope.size() > limits::kMaxEnvelopeBytes) return name;
  auto members = JsonReader::local().members(envelope);
  if (!members) return name;
  for (const auto& [member, token] : *members)
    if (member == "sender_id") name = "'" + printable(json_text(token)) + "'";
  return name;
}

}  // namespace

void Session::receive(std::string_view envelope, std::string_view ticket, const Share& share, uint32_t failures) {
  const DeliveryPtr& delivery = share.delivery;
  auto message = mas_message::make(envelope, hub_->decoder(), agent_.config.max_envelope, *agent_.outbox, ticket);
  if (!message) {
    const Error& why = message.error();
    agent_.counters.malformed.add();
    if (agent_.config.debug != nullptr)
      agent_.debug("dropped a message that names " + claimed_sender(envelope) + " as its sender: " + why.message);
    const bool lost = why.code == Errc::kTooLarge || why.code == Errc::kNoMemory;  // else nobody could read it
    if (lost && delivery != nullptr && delivery->stream != 0)
      agent_.deliveries.refuse(share, envelope.size(), "too large for the agent, or for its memory");
    return;
  }
  mas_message& received = **message;
  if (received.target() != agent_.config.id) {
    agent_.counters.malformed.add();
    return agent_.debug("dropped a message of '" + printable(received.sender()) + "', which is for '" +
                        printable(received.target()) + "'");
  }
  if (delivery != nullptr && agent_.dedupe.seen(received.sender(), received.id()))
    return agent_.counters.duplicates.add();
  agent_.counters.received.add();
  if (!received.is_reply()) {
    if (delivery != nullptr) {
      agent_.deliveries.opened(*delivery, received.size());
      received.came_with({delivery, share.index, agent_.dedupe.key_of(received.sender(), received.id())}, failures);
    }
    Lane lane = delivery != nullptr ? delivery->lane : Lane::kNormal;
    if (agent_.inbox.push(lane, std::move(*message))) wake_poller();
    return;
  }

  take_reply(std::move(*message), delivery == nullptr || delivery->stream == 0);
}

/// In gateway mode a reply comes on the instance's reply stream, which the gateway writes for the bearer of a ticket alone.
void Session::take_reply(MessagePtr reply, bool by_its_way) {
  using Answered = Requests::Answered;
  auto request = parse_uuid(reply->correlation_id());
  reply->keep();
  Answered answered = Answered::kNotAsked;
  if (by_its_way) answered = request ? agent_.requests->answer(*request, reply) : Answered::kNobodyWaits;
  if (answered == Answered::kNobodyWaits) agent_.counters.late_replies.add();
  if (answered != Answered::kNotAsked) return;
  agent_.counters.foreign_replies.add();
  agent_.debug("dropped a reply of '" + printable(reply->sender()) + "', which " +
               (by_its_way ? "was not asked" : "did not come on the reply stream"));
}

/// Once for all that this turn of the loop brings: woken for each message alone, the poller would fight the I/O thread
/// for every one of them.
void Session::wake_poller() {
  if (timers_ != nullptr)
    timers_->wake.request();
  else
    agent_.inbox.wake();
}

void Session::on_verdict(OutgoingKind kind, const Id128& id, std::string_view target, const Verdict& verdict) {
  if (kind == OutgoingKind::kReport) return path_->on_report(id, verdict);
  const Status& status = verdict.status;
  bool nobody = !status.ok() && status.error().code == Errc::kNoReceiver;
  bool decided = verdict.decision.has_value();
  if (status.ok() || nobody) agent_.counters.sent.add();
  if (nobody) agent_.counters.undelivered.add();
  if (!status.ok() && decided) agent_.counters.refused.add();
  if (!status.ok() && !nobody && !decided) agent_.counters.send_failed.add();

  if (kind == OutgoingKind::kRequest && status.ok()) return;  // its reply ends it
  ReceiptWish wish = agent_.receipts.load(std::memory_order_relaxed);
  bool wanted = wish == ReceiptWish::kAll || (wish == ReceiptWish::kFailures && !status.ok());
  if (kind == OutgoingKind::kMessage && !wanted) return;

  ReceiptNote note{verdict.decision, verdict.retry_after_ms, std::string(verdict.detail)};
  if (!status.ok()) note.detail = status.error().message;
  if (kind != OutgoingKind::kMessage) {
    Result<MessagePtr> end = status.ok() ? Result<MessagePtr>(MessagePtr()) : status.error();
    bool waited = agent_.requests->end(id, std::move(end), note);
    if (waited || kind == OutgoingKind::kRequest || !wanted) return;
  }
  mas_status outcome = status.ok() ? MAS_OK : status_of(status.error().code);
  agent_.inbox.push(Receipt{id, std::string(target), outcome, std::move(note)});
}

void Session::watch_requests() {
  auto next = agent_.requests->expire(mono_now(), agent_.late("no reply in time"));
  if (next && timers_ != nullptr) timers_->requests.once(std::max(*next - mono_now(), Duration::zero()));
}

}  // namespace mas::sdk
