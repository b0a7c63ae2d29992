// What stands where in the script.
#include "daemons/gatewayd/turn/commit_builder.h"

#include <utility>
#include <vector>

namespace mas::gateway {
namespace {

constexpr std::string_view kReplyStreamMillis = "60000";  // as its instance renews it
constexpr size_t kFieldsOfChange = 1000;

}  // namespace

/// Entries: audit blocks first, which are large, so that Redis makes room for large reads; archive; deliveries, whose
/// place delivery_of() has to know; dead letters. Keys are asked for when the reply comes: none may be the decider's.
void CommitBuilder::build(const TurnResult& result, WallMicros time, const Partition* tried) {
  script_.clear();
  texts_.clear();
  const std::string_view now = keep(std::to_string(time));
  for (const PartitionWork* work : result.work()) script_.fence(work->partition->epoch_key, work->partition->epoch);
  for (const PartitionWork* work : result.work())
    if (!work->block.bytes.empty()) add_block(*work);
  for (const PartitionWork* work : result.work())
    if (!work->archive_entry.empty()) script_.entry(work->partition->archive_key, {"b", work->archive_entry});
  first_delivery_ = script_.entries();
  deliveries_ = result.deliveries().size();
  for (const Delivery& delivery : result.deliveries()) add_delivery(delivery);
  add_letters(result, now);
  // The instance may be gone, and nobody would remove what is made for it.
  for (const Delivery& delivery : result.deliveries())
    if (delivery.inbox->replies) script_.change("PEXPIRE", delivery.key, {kReplyStreamMillis});
  if (tried != nullptr) script_.change("DEL", tried->trial_key, {});
  for (const PartitionWork* work : result.work()) add_states(*work);
}

void CommitBuilder::add_letters(const TurnResult& result, std::string_view now) {
  for (const DeadLetter& letter : result.dead_letters()) {
    std::string_view first = letter.first == 0 ? now : keep(std::to_string(letter.first));
    std::string_view attempts = keep(std::to_string(letter.attempts));
    script_.entry(dead_letters_key_,
                  {"payload", letter.payload, "sender", letter.sender, "target", letter.target, "id", letter.message_id,
                   "reason", letter.reason, "attempts", attempts, "first", first, "last", now});
  }
  for (const Unproven& one : result.unproven())
    script_.entry(unproven_key_,
                  {"payload", one.payload, "claimed", one.claimed, "reason", one.reason, "first", now, "last", now});
  if (!result.unproven().empty())
    script_.change("XTRIM", unproven_key_, {"MAXLEN", keep(std::to_string(kUnprovenKept))});
}

/// Of one partition: its senders' states, retries, spent entries and the trim of its list.
void CommitBuilder::add_states(const PartitionWork& work) {
  const Partition& partition = *work.partition;
  std::vector<std::string_view> arguments;
  for (size_t i = 0; i < work.fields.size(); ++i) {
    arguments.insert(arguments.end(), {work.fields[i].first, work.fields[i].second});
    const bool last = i + 1 == work.fields.size();
    if (!last && arguments.size() < 2 * kFieldsOfChange) continue;
    script_.change("HSET", partition.senders_key, arguments);
    arguments.clear();
  }
  for (const std::string& field : work.removed) script_.change("HDEL", partition.senders_key, {field});
  for (const RetryChange& change : work.retries) {
    if (change.due)
      script_.change("ZADD", partition.retries_key, {keep(std::to_string(*change.due)), change.member});
    else
      script_.change("ZREM", partition.retries_key, {change.member});
  }
  for (const SpentEntry& entry : work.spent) script_.change("XDEL", keep(std::string(entry.stream)), {entry.id});
  if (work.elements > 0) script_.change("LTRIM", partition.ingress_key, {keep(std::to_string(work.elements)), "-1"});
}

std::optional<size_t> CommitBuilder::delivery_of(size_t number) const {
  const auto entry = script_.entry_of(number);
  if (!entry || *entry < first_delivery_ || *entry - first_delivery_ >= deliveries_) return std::nullopt;
  return *entry - first_delivery_;
}

}  // namespace mas::gateway
