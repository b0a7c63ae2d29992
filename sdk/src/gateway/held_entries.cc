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
    : host_(host),
      deliveries_(deliveries),
      streams_(streams),
      acked_(std::move(acked)),
      held_(kLanes.size() + 1),
      acknowledged_(kLanes.size() + 1),
      due_(kLanes.size() + 1) {}

void HeldEntries::send_acks() {
  deliveries_.take(done_);
  for (auto& delivery : done_) due_[delivery->stream].push_back(delivery->id);
  done_.clear();
  for (size_t stream = 0; stream < streams_.size(); ++stream) {
    in_commands(due_[stream], [&](std::span<const std::string> ids) {
      auto both = redis::Command::of(with_ids({"XACK", streams_[stream], std::string(kGroup)}, ids));
      both.add(redis::Command::of(with_ids({"XDEL", streams_[stream]}, ids)));
      Acks acks{stream, {ids.begin(), ids.end()}};
      if (host_.commands().send(both, redis::reply_to<&HeldEntries::on_ack>(this))) sent_.push_back(std::move(acks));
    });
    due_[stream].clear();
  }
}

void HeldEntries::let_go() {
  for (size_t stream = 0; stream < held_.size(); ++stream) {
    for (const auto& id : acknowledged_[stream]) held_[stream].erase(id);
    acknowledged_[stream].clear();
  }
}

void HeldEntries::keep() {
  let_go();
  held_[0].clear();
  due_[0].clear();
  for (size_t stream = 1; stream < streams_.size(); ++stream) {
    in_commands({held_[stream].begin(), held_[stream].end()}, [&](std::span<const std::string> ids) {
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

/// Two answers for each command.
void HeldEntries::on_ack(uint64_t tag, const redis::Answer& answer) {
  if (sent_.empty()) return;
  Acks& acks = sent_.front();
  auto reply = redis::checked(answer);
  const bool gone = !reply && answer.ok() && (*answer)->error_code() == "NOGROUP";
  const bool failed = !reply && !gone;
  acks.failed = acks.failed || failed;
  if (failed && answer.ok()) acks.refusal = reply.error().in("acknowledging");
  if (tag == 0) return;
  Acks done = std::move(acks);
  sent_.pop_front();
  auto& ended = done.failed ? due_[done.stream] : acknowledged_[done.stream];
  ended.insert(ended.end(), std::make_move_iterator(done.ids.begin()), std::make_move_iterator(done.ids.end()));
  acked_(done.refusal);
}

}  // namespace mas::sdk
