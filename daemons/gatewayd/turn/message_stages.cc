// The stages of a message, one function each, and its delivery.
#include "daemons/gatewayd/turn/message_stages.h"

#include <chrono>
#include <functional>
#include <limits>
#include <utility>

#include "daemons/gatewayd/authz/priority.h"
#include "daemons/gatewayd/policy/stages.h"

namespace mas::gateway {
namespace {

/// @return microseconds; the last of all times for a deadline past it.
WallMicros micros_of(double seconds) {
  constexpr double kEnd = 9e12;
  return seconds < kEnd ? static_cast<WallMicros>(seconds * 1e6) : std::numeric_limits<WallMicros>::max();
}

}  // namespace

void MessageStages::decide(MessageCase& at) {
  walk_stages<MessageStages>([&](auto number) {
    constexpr const PolicyStage<MessageStages>& kStage = kStages<MessageStages>[number];
    const Mode mode = mode_of(kStage, turn_.policy);
    if (mode == Mode::kOff) return true;
    const Ruling ruling = (this->*kStage.judged)(at);
    if (!ruling.refuses()) {
      if (ruling.decision != Decision::kAllowed) at.ruling.decision = ruling.decision;
      if (!ruling.reason.empty()) at.ruling.reason = ruling.reason;
      return true;
    }
    if (mode == Mode::kEnforce) {
      at.ruling = ruling;
      return false;
    }
    ++turn_.result.counts().shadow;
    at.note_shadow(ruling);
    return true;
  });
  if (!at.ruling.refuses()) return deliver(at);
  if (at.trial) turn_.circuits.give_back(at.to());  // the target does not get it
  if (at.ruling.decision == Decision::kHeld) hold(at);
}

// ---- Stages

Ruling MessageStages::decode(MessageCase& at) {
  if (!at.message.fault) return {};
  return {at.message.fault->decision, at.message.fault->text};
}

/// Frames of agents were authenticated as a whole. What is replayed comes from a gateway, and its sender may have been
/// revoked meanwhile.
Ruling MessageStages::replayed_identity(MessageCase& at) {
  AuthResult standing = check_replayed(at.frame.header, at.from().secrets, turn_.policy.auth, turn_.now);
  if (!standing.ok()) return {standing.decision, standing.detail};
  at.memory = &at.work.partition->sender(at.from().id);
  return {};
}

/// The block list holds for replies, too; else a ticket lets a reply through to who asked.
Ruling MessageStages::authorisation(MessageCase& at) {
  RuleVerdict verdict = authorise(at.to().id, at.from().rules, at.from().roles, turn_.policy.default_rule);
  if (verdict.allowed) return {};
  if (at.found.answers && verdict.rule != Rule::kBlocked && verdict.rule != Rule::kUnreadable) return {};
  return {Decision::kAuthzDenied, keep_text(verdict.describe())};
}

/// Replies with a ticket go to the instance that asked, whose streams and state are its own: no breaker is asked.
Ruling MessageStages::target(MessageCase& at) {
  AgentFacts& target = at.to();
  bool takes_part = target.registered && target.gateway_mode;
  bool admitted =
      target.secrets.found != SenderSecrets::Found::kNone && target.secrets.state != IdentityState::kRevoked;
  const bool stopped = target.secrets.found == SenderSecrets::Found::kNone && !target.registered && target.has_stream;
  if (!takes_part && !admitted && !stopped)
    return {Decision::kTargetNotFound,
            target.registered ? "the target is not in gateway mode" : "no such agent is registered"};
  const bool active = takes_part && target.active;
  if (turn_.circuits.on() && !at.found.answers) turn_.circuits.seen(target, active);
  return {active ? Decision::kAllowed : Decision::kQueuedOffline, {}};
}

Ruling MessageStages::deadline(MessageCase& at) {
  const auto& deadline = at.message.deadline;
  if (deadline && static_cast<double>(turn_.now) / 1e6 > *deadline)
    return {Decision::kExpired, "the deadline has passed"};
  return {};
}

Ruling MessageStages::guard(MessageCase& at) {
  const Message& message = at.message;
  GuardVerdict verdict = guard_.judge(
      {at.from().id, at.to().id, message.conversation, message.chain, message.hops, at.found.answers}, turn_.now);
  if (verdict.allowed()) return {};
  return {Decision::kLoopDetected, keep_text(verdict.describe(turn_.policy.guard))};
}

Ruling MessageStages::rate(MessageCase& at) {
  const AgentFacts& sender = at.from();
  if (!sender.limits_problem.empty()) return {Decision::kRateLimited, sender.limits_problem};
  if (sender.limits.unlimited()) return {};
  TakeResult taken = take(at.memory->limiter, sender.limits, turn_.now, at.message.envelope.size());
  if (!std::exchange(at.memory->limiter_changed, true)) at.work.limiters.emplace_back(sender.id, at.memory);
  if (taken.allowed) return {};
  return {Decision::kRateLimited, keep_text(taken.describe(sender.limits)), taken.retry_after_ms()};
}

Ruling MessageStages::content(MessageCase& at) {
  if (dlp_ == nullptr) return {Decision::kUnavailable, "data-loss prevention could not start"};
  const dlp::ContentStage::Verdict& outcome =
      dlp_->look(at.from().id, at.to().id, at.message.envelope, at.message.content);
  at.detected = outcome.detected;
  const bool enforced = turn_.policy.dlp == Mode::kEnforce;
  if (enforced) at.envelope = outcome.envelope;
  if (outcome.decision == Decision::kAllowed) return {};
  const Ruling ruling{outcome.decision, outcome.reason.empty() ? std::string_view() : keep_text(outcome.reason)};
  if (enforced || ruling.refuses()) return ruling;
  at.note_shadow({ruling.decision, {}});
  return {};
}

/// A replay that is refused becomes a dead letter again anyway.
Ruling MessageStages::circuit(MessageCase& at) {
  if (at.found.answers) return {};
  const Admission admission = turn_.circuits.admit(at.to());
  at.trial = admission == Admission::kTrial;
  if (admission != Admission::kRefuse) return {};
  const Policy& policy = turn_.policy;
  const Breaker& breaker = at.to().breaker;
  const Ruling ruling{Decision::kCircuitOpen, keep_text(breaker.describe()), breaker.retry_after_ms(turn_.now)};
  const bool keep = policy.breaker_mode == Mode::kEnforce && policy.breaker.on_open == OnOpen::kDeadLetter;
  if (keep && !at.frame.replay) keep_undelivered(at, std::string(ruling.reason));
  return ruling;
}

/// A sender whose share is used up is refused alone, and that is not the target's fault.
Ruling MessageStages::backlog(MessageCase& at) {
  const Policy& policy = turn_.policy;
  TargetStream& inbox = *at.found.inbox;
  const uint64_t records = inbox.records(), bytes = inbox.bytes();
  if (inbox.failing.empty() && over_share(at, records, bytes))
    return {Decision::kTargetOverloaded, "the sender's share of the target's backlog is used up"};
  const bool full = records >= policy.max_backlog_records || bytes >= policy.max_backlog_bytes;
  if (inbox.failing.empty() && !full) return {};
  if (turn_.circuits.on() && !at.found.answers) turn_.circuits.failed(at.to());
  if (inbox.failing.empty()) return {Decision::kTargetOverloaded, "the target's backlog is at its bound"};
  std::string reason = "the target's stream accepts no entry: " + inbox.failing;
  if (at.frame.replay || at.message.by_gateway)  // a replay becomes a letter again
    return {Decision::kUnavailable, keep_text(std::move(reason))};
  keep_undelivered(at, reason);
  if (!policy.dead_letters_full) return {Decision::kUnavailable, keep_text(std::move(reason))};
  return {Decision::kDlqFull, keep_text(reason + "; the dead-letter queue is at its bound")};
}

/// What a sender adds is counted from half of its share on, so up to there it costs nothing.
bool MessageStages::over_share(const MessageCase& at, uint64_t records, uint64_t bytes) const {
  const Policy& policy = turn_.policy;
  if (policy.sender_share >= 100) return false;
  Backlog& backlog = at.found.inbox->backlog;
  auto half_share = [&](uint64_t bound) {
    return bound / 200 * policy.sender_share + bound % 200 * policy.sender_share / 200;
  };
  const uint64_t half_records = half_share(policy.max_backlog_records),
                 half_bytes = half_share(policy.max_backlog_bytes);
  if (records < half_records && bytes < half_bytes) {
    backlog.forget_senders();
    return false;
  }
  const Backlog::Size own = backlog.of_sender(at.from().id);
  if (own.records > 0 && (own.records >= half_records || own.bytes >= half_bytes)) return true;
  backlog.count_senders();
  return false;
}

/// An error reply that the gateway writes is not held: its requester would not wait for a person. But it does not pass
/// where its receiver's words would have needed a yes.
Ruling MessageStages::approval(MessageCase& at) {
  const Policy& policy = turn_.policy;
  const ApprovalRules* rules = policy.approval_rules.get();
  if (at.granted || rules == nullptr) return {};
  const std::function<bool(std::string_view)> found = [this](std::string_view type) {
    return turn_.policy.dlp != Mode::kOff && (dlp_ == nullptr || dlp_->found(type));  // unseen content may hold it
  };
  const auto number = rules->find({at.from().id, at.to().id, at.message.type, found});
  if (!number) return {};
  const std::string rule = describe(*rules, *number);
  if (at.message.by_gateway) return {Decision::kAuthzDenied, keep_text("an error reply is not held: " + rule)};
  if (!turn_.keep_held)
    return {Decision::kUnavailable, "the stream of messages that wait for approval accepts no entry"};
  if (!held_room_.has_room(policy.held_max, at.envelope.size()))
    return {Decision::kUnavailable, "too many messages wait for approval"};
  return {Decision::kHeld, keep_text("waits for approval: " + rule)};
}

/// A message that takes, or in shadow mode would take, another lane than it asked for is audited with the reason.
Ruling MessageStages::lane(MessageCase& at) {
  const Policy& policy = turn_.policy;
  const Lane wanted = at.message.wanted;
  if (wanted >= policy.highest_lane || at.found.answers) return {};
  const Lane highest = highest_lane(at.from().roles, policy.highest_lane);
  if (wanted >= highest) return {};
  std::string_view reason =
      keep_text("priority: " + std::string(lane_name(wanted)) + ", at most " + std::string(lane_name(highest)));
  if (policy.priorities == Mode::kEnforce) return {Decision::kAllowed, reason};
  ++turn_.result.counts().shadow;
  at.note_shadow({at.ruling.decision, reason});
  return {};
}

// ---- Delivery

void MessageStages::keep_undelivered(const MessageCase& at, std::string reason) {
  turn_.add_letter({at.frame.partition, lasting(at), at.from().id, at.to().id, at.message.id, std::move(reason)});
}

/// What was made of a message is there until the next one is looked at, the message itself as long as the turn.
std::string_view MessageStages::lasting(const MessageCase& at) {
  bool same = at.envelope.data() == at.message.envelope.data();
  return same ? at.envelope : keep_text(std::string(at.envelope));
}

void MessageStages::hold(const MessageCase& at) {
  held_room_.take(at.envelope.size());
  turn_.result.hold({at.frame.partition, lasting(at), at.from().id, at.to().id, at.message.type, at.message.id,
                     at.ruling.reason, (at.message.flags & Record::kReplayed) != 0});
}

void MessageStages::deliver(const MessageCase& at) {
  std::string ticket;
  if (at.message.expects_reply && !at.message.is_reply && !at.frame.replay) {  // else nobody waits any more
    TicketClaim claim{at.from().id, at.frame.header.instance, at.to().id, at.message.correlation_id};
    auto window = std::chrono::duration_cast<std::chrono::microseconds>(turn_.policy.reply_window).count();
    claim.expires = at.message.deadline ? micros_of(*at.message.deadline) : turn_.now + window;
    turn_.tickets.issue(ticket, claim);
  }
  TargetStream& inbox = *at.found.inbox;
  if (inbox.backlog.counts_senders()) inbox.backlog.add_sender(at.from().id, at.envelope.size());
  turn_.result.deliver(inbox, lasting(at), ticket, at.message.flags & Record::kReplayed);
  const bool kept_before = at.frame.replay && !(at.granted && (at.message.flags & Record::kReplayed) == 0);
  if (turn_.archive_key != nullptr && !kept_before) archive(at);
}

/// With what was delivered for the sender before, as it is delivered now. What is replayed is not kept again: it was,
/// or is a dead letter on its way, and no replay can feed the next one.
void MessageStages::archive(const MessageCase& at) {
  if (at.work.archived.full()) return;  // more than a turn has
  at.work.archived.add({at.from().id, at.to().id, at.message.type, at.message.id, at.envelope});
  ++turn_.result.counts().archived;
}

}  // namespace mas::gateway
