// Whether there is room in a target's stream: when its length is looked at, its bounds, and the share of one sender.
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/decider.h"

namespace mas::gateway {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(50);  // at a stream that is full, or on trial

}  // namespace

/// A circuit on trial closes by what leaves the target's streams, whichever lane it lay in.
void Decider::need_outcomes(Agent& target, std::vector<Inbox*>& ret_inboxes) {
  for (Inbox& inbox : target.inboxes) {
    if (inbox.key.empty()) continue;
    if (mono_ - inbox.read_at > kLookAgain) inbox.known = false;
    need_length(inbox, ret_inboxes);
  }
}

void Decider::need_length(Inbox& inbox, std::vector<Inbox*>& ret_inboxes) {
  const bool full = inbox.records() >= policy_.max_backlog_records || inbox.bytes() >= policy_.max_backlog_bytes ||
                    inbox.backlog.counts_senders();  // or full for some of them
  bool forgiven = !inbox.failing.empty() && mono_ >= inbox.failing_until;
  if (forgiven) inbox.failing.clear();
  if (forgiven || (full && mono_ - inbox.read_at > kLookAgain)) inbox.known = false;
  if (inbox.known || std::exchange(inbox.asked, looks_) == looks_) return;
  ret_inboxes.push_back(&inbox);
}

/// Whose share is used up is refused alone, and that is not the target's fault.
Decider::Ruling Decider::backlog(Case& at) {
  Inbox& inbox = *at.message.inbox;
  const uint64_t records = inbox.records(), bytes = inbox.bytes();
  if (inbox.failing.empty() && over_share(at, records, bytes))
    return {Decision::kTargetOverloaded, "the sender's share of the target's backlog is used up"};
  const bool full = records >= policy_.max_backlog_records || bytes >= policy_.max_backlog_bytes;
  if (inbox.failing.empty() && !full) return {};
  if (circuits_.on() && !at.message.answers) circuits_.failed(at.target());
  if (inbox.failing.empty()) return {Decision::kTargetOverloaded, "the target's backlog is at its bound"};
  std::string reason = "the target's stream takes no entry: " + inbox.failing;
  if (at.frame.replay) return {Decision::kUnavailable, say(std::move(reason))};  // it becomes one again
  keep_undelivered(at, reason);
  if (!policy_.dead_letters_full) return {Decision::kUnavailable, say(std::move(reason))};
  return {Decision::kDlqFull, say(reason + "; the dead-letter queue is at its bound")};
}

/// What a sender adds is counted from half of its share on, so up to there it costs nothing.
bool Decider::over_share(const Case& at, uint64_t records, uint64_t bytes) const {
  if (policy_.sender_share >= 100) return false;
  Backlog& backlog = at.message.inbox->backlog;
  auto half_share = [this](uint64_t bound) {
    return bound / 200 * policy_.sender_share + bound % 200 * policy_.sender_share / 200;
  };
  const uint64_t half_records = half_share(policy_.max_backlog_records),
                 half_bytes = half_share(policy_.max_backlog_bytes);
  if (records < half_records && bytes < half_bytes) {
    backlog.forget_senders();
    return false;
  }
  const Backlog::Size own = backlog.of_sender(at.sender().id);
  if (own.records > 0 && (own.records >= half_records || own.bytes >= half_bytes)) return true;
  backlog.count_senders();
  return false;
}

}  // namespace mas::gateway
