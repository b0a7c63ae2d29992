// What a turn writes: deliveries, dead letters, audit blocks, states and trims, as the commit script takes them.
#include <string>
#include <vector>

#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

constexpr std::string_view kReplyStreamMillis = "60000";  // as its instance renews it

}  // namespace

/// Entries in the order of keys_refused(): deliveries, dead letters, audit blocks, archive.
void TurnLoop::build_commit() {
  commit_.clear();
  texts_.clear();  // a deque: what is viewed does not move
  const std::string& now = texts_.emplace_back(std::to_string(now_));
  for (const PartitionWork* work : decider_.work()) commit_.fence(work->partition->epoch_key, work->partition->epoch);
  for (const Delivery& delivery : decider_.deliveries()) {
    if (test_break("lose")) continue;
    commit_.entry(delivery.key, {"b", delivery.blob});
    if (test_break("double")) commit_.entry(delivery.key, {"b", delivery.blob});
  }
  for (const DeadLetter& letter : decider_.dead_letters()) {
    std::string_view first = letter.first == 0 ? now : texts_.emplace_back(std::to_string(letter.first));
    std::string_view attempts = texts_.emplace_back(std::to_string(letter.attempts));
    commit_.entry(dead_letters_key_,
                  {"payload", letter.payload, "sender", letter.sender, "target", letter.target, "id", letter.message_id,
                   "reason", letter.reason, "attempts", attempts, "first", first, "last", now});
  }
  for (const PartitionWork* work : decider_.work())
    if (!work->block.bytes.empty() && !test_break("unaudited"))
      commit_.entry(work->partition->audit_key, {"b", work->block.bytes});
  for (const PartitionWork* work : decider_.work())
    if (!work->archive_entry.empty()) commit_.entry(work->partition->archive_key, {"b", work->archive_entry});

  // The instance may be gone, and nobody would remove what is made for it.
  for (const Delivery& delivery : decider_.deliveries())
    if (delivery.inbox->replies) commit_.change("PEXPIRE", delivery.key, {kReplyStreamMillis});

  std::vector<std::string_view> arguments;
  for (const PartitionWork* work : decider_.work()) {
    constexpr size_t kFieldsOfChange = 1000;
    for (size_t i = 0; i < work->fields.size(); ++i) {
      arguments.insert(arguments.end(), {work->fields[i].first, work->fields[i].second});
      bool last = i + 1 == work->fields.size();
      if (!last && arguments.size() < 2 * kFieldsOfChange) continue;
      commit_.change("HSET", work->partition->senders_key, arguments);
      arguments.clear();
    }
    for (const std::string& field : work->removed) commit_.change("HDEL", work->partition->senders_key, {field});
    for (const RetryChange& change : work->retries) {
      if (change.due)
        commit_.change("ZADD", work->partition->retries_key,
                       {texts_.emplace_back(std::to_string(*change.due)), change.member});
      else
        commit_.change("ZREM", work->partition->retries_key, {change.member});
    }
    for (const SpentEntry& entry : work->spent) commit_.change("XDEL", entry.stream, {entry.id});
    if (work->elements == 0) continue;
    commit_.change("LTRIM", work->partition->ingress_key, {texts_.emplace_back(std::to_string(work->elements)), "-1"});
  }
}

}  // namespace mas::gateway
