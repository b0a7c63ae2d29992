// Acks, and claims of what is in hand.
#include "sdk/src/gateway/held_entries.h"

#include <algorithm>
#include <span>
#include <utility>

#include "proto/wire/lane.h"
#include "sdk/src/gateway/setup_op.h"

namespace mas::sdk {
namespace {

constexpr size_t kIds = 256;  // in one command

/// `words`, with the ids behind them.
std::vector<std::string> with_ids(std::vector<std::string> words, std::span<const std::string> ids) {
  words.insert(words.end(), ids.begin(), ids.end());
  return words;
}

/// Calls `send` with the ids of each command.
template <typename Send>
void in_commands(const std::vector<std::string>& ids, Send&& send) {
  for (size_t at = 0; at < ids.size(); at += kIds) send(std::span(ids).subspan(at, std::min(kIds, ids.size() - at)));
}

}  // namespace

HeldEntries::HeldEntries(ModeHost& host, Deliveries& deliveries, const std::vector<std::string>& streams,
                         std::function<void(const std::optional<Error>& refusal)> acked)
    : host_(host), deliveries_(deliveries), streams_(streams), acked_(std::move(acked)) {}

size_t HeldEntries::count(size_t stream) const {
  auto held = held_.find(stream);
  return held == held_.end() ? 0 : held->second.size();
}

bool HeldEntries::lacks_any(size_t stream, const redis::Reply& pending) const {
  auto held = held_.find(stream);
  for (const auto& entry : pending) {
    if (entry.count == 0) continue;
    if (held == held_.end() || held->second.count(std::string(entry[0].text)) == 0) return true;
  }
  return false;
}

void HeldEntries::send_acks() {
  deliveries_.take(done_);
  for (auto& delivery : done_) due_[delivery->stream].push_back(delivery->id);
  done_.clear();
  if (streams_.empty()) return;
  for (const auto& [number, due] : std::exchange(due_, {})) {
    const size_t stream = number;
    in_commands(due, [&](std::span<const std::string> ids) {
      auto both = redis::Command::of(with_ids({"XACK", streams_[stream], std::string(kGroup)}, ids));
      both.add(redis::Command::of(with_ids({"XDEL", streams_[stream]}, ids)));
      Acks acks{stream, {ids.begin(), ids.end()}};
      const uint64_t tag = std::exchange(next_tag_, next_tag_ + 2);
      if (host_.commands().send(both, redis::reply_to<&HeldEntries::on_ack>(this, tag)))
        sent_.emplace(tag, std::move(acks));
    });
  }
}

void HeldEntries::let_go(size_t first, size_t count) {
  const auto begin = acknowledged_.lower_bound(first), end = acknowledged_.lower_bound(first + count);
  for (auto it = begin; it != end; ++it) {
    auto held = held_.find(it->first);
    if (held == held_.end()) continue;
    for (const auto& id : it->second) held->second.erase(id);
    if (held->second.empty()) held_.erase(held);
  }
  acknowledged_.erase(begin, end);
}

void HeldEntries::keep() {
  let_go(0, SIZE_MAX);
  std::erase_if(held_, [](const auto& held) { return holds_replies(held.first); });
  std::erase_if(due_, [](const auto& due) { return holds_replies(due.first); });
  if (streams_.empty()) return;
  for (const auto& [number, held] : held_) {
    const size_t stream = number;
    in_commands({held.begin(), held.end()}, [&](std::span<const std::string> ids) {
      auto claim = with_ids({"XCLAIM", streams_[stream], std::string(kGroup), host_.context().instance(), "0"}, ids);
      claim.emplace_back("JUSTID");
      static_cast<void>(host_.commands().send(redis::Command::of(claim), redis::ReplyTo{}));
    });
  }
}

void HeldEntries::stop() {
  send_acks();
  host_.commands().forget(this);
  sent_.clear();
}

/// Two answers for each, on a cluster in any order.
void HeldEntries::on_ack(uint64_t tag, const redis::Answer& answer) {
  auto sent = sent_.find(tag / 2 * 2);
  if (sent == sent_.end()) return;
  Acks& acks = sent->second;
  auto reply = redis::checked(answer);
  const bool gone = !reply && answer.ok() && (*answer)->error_code() == "NOGROUP";
  const bool failed = !reply && !gone;
  acks.failed = acks.failed || failed;
  if (failed && answer.ok()) acks.refusal = reply.error().in("acknowledging");
  if (--acks.answers_due > 0) return;
  Acks done = std::move(acks);
  sent_.erase(sent);
  auto& ended = done.failed ? due_[done.stream] : acknowledged_[done.stream];
  ended.insert(ended.end(), std::make_move_iterator(done.ids.begin()), std::make_move_iterator(done.ids.end()));
  acked_(done.refusal);
}

}  // namespace mas::sdk
