// What stands where in the scripts.
#include "daemons/gatewayd/turn/commit_builder.h"

#include <utility>

namespace mas::gateway {
namespace {

constexpr std::string_view kReplyStreamMillis = "60000";  // as its instance renews it
constexpr size_t kFieldsOfChange = 1000;

}  // namespace

void CommitBuilder::build(const TurnResult& result, WallMicros time, const Partition* tried) {
  texts_.clear();
  const std::string_view now = keep(std::to_string(time));
  const std::span<PartitionWork* const> works(result.work());
  const bool apart = keys_.layout() == KeyLayout::kCluster;
  used_ = apart ? works.size() : 1;
  if (parts_.size() < used_) parts_.resize(used_);
  for (size_t i = 0; i < used_; ++i) {
    parts_[i].only = apart ? std::optional(works[i]->partition->number) : std::nullopt;
    fill(parts_[i], apart ? works.subspan(i, 1) : works, result, now, tried);
  }
}

/// Entries: audit blocks first, which are large, so that Redis makes room for large reads; archive; deliveries, whose
/// place delivery_of() has to know; dead letters; what is held. Keys are asked for when the reply comes: none may be
/// the decider's.
void CommitBuilder::fill(Part& part, std::span<PartitionWork* const> works, const TurnResult& result,
                         std::string_view now, const Partition* tried) {
  Commit& script = part.script;
  script.clear();
  for (const PartitionWork* work : works) script.fence(work->partition->epoch_key, work->partition->epoch);
  for (const PartitionWork* work : works)
    if (!work->block.bytes.empty()) add_block(script, *work);
  for (const PartitionWork* work : works)
    if (!work->archive_entry.empty()) script.entry(work->partition->archive_key, {"b", work->archive_entry});
  part.first_delivery = script.entries();
  part.deliveries.clear();
  for (size_t i = 0; i < result.deliveries().size(); ++i)
    if (!part.only || *part.only == result.deliveries()[i].inbox->partition) part.deliveries.push_back(i);
  for (size_t i : part.deliveries) add_delivery(script, result.deliveries()[i]);
  add_letters(part, result, now);
  add_held(part, result, now);
  // The instance may be gone, and nobody would remove what is made for it.
  for (size_t i : part.deliveries)
    if (const Delivery& delivery = result.deliveries()[i]; delivery.inbox->replies)
      script.change("PEXPIRE", delivery.key, {kReplyStreamMillis});
  if (tried != nullptr && (!part.only || *part.only == tried->number)) script.change("DEL", tried->trial_key, {});
  for (const PartitionWork* work : works) add_states(script, *work);
}

void CommitBuilder::add_letters(Part& part, const TurnResult& result, std::string_view now) {
  Commit& script = part.script;
  const unsigned at = part.only.value_or(0);
  part.dead_letters_key = keys_.dead_letters(at);
  part.unproven_key = keys_.unproven(at);
  for (const DeadLetter& letter : result.dead_letters()) {
    if (part.only && *part.only != letter.partition) continue;
    std::string_view first = letter.first == 0 ? now : keep(std::to_string(letter.first));
    std::string_view attempts = keep(std::to_string(letter.attempts));
    script.entry(part.dead_letters_key,
                 {"payload", letter.payload, "sender", letter.sender, "target", letter.target, "id", letter.message_id,
                  "reason", letter.reason, "attempts", attempts, "first", first, "last", now});
  }
  bool any_unproven = false;
  for (const Unproven& one : result.unproven()) {
    if (part.only && *part.only != one.partition) continue;
    any_unproven = true;
    script.entry(part.unproven_key,
                 {"payload", one.payload, "claimed", one.claimed, "reason", one.reason, "first", now, "last", now});
  }
  if (any_unproven) script.change("XTRIM", part.unproven_key, {"MAXLEN", keep(std::to_string(kUnprovenKept))});
}

void CommitBuilder::add_held(Part& part, const TurnResult& result, std::string_view now) {
  part.held_key = keys_.held(part.only.value_or(0));
  for (const HeldMessage& one : result.held()) {
    if (part.only && *part.only != one.partition) continue;
    part.script.entry(part.held_key,
                      {"payload", one.payload, "sender", one.sender, "target", one.target, "type", one.type, "id",
                       one.message_id, "reason", one.reason, "since", now, "replayed", one.replayed ? "1" : "0"});
  }
}

/// Of one partition: its senders' states, retries, spent entries and the trim of its list.
void CommitBuilder::add_states(Commit& script, const PartitionWork& work) {
  const Partition& partition = *work.partition;
  std::vector<std::string_view> arguments;
  for (size_t i = 0; i < work.fields.size(); ++i) {
    arguments.insert(arguments.end(), {work.fields[i].first, work.fields[i].second});
    const bool last = i + 1 == work.fields.size();
    if (!last && arguments.size() < 2 * kFieldsOfChange) continue;
    script.change("HSET", partition.senders_key, arguments);
    arguments.clear();
  }
  for (const std::string& field : work.removed) script.change("HDEL", partition.senders_key, {field});
  for (const RetryChange& change : work.retries) {
    if (change.due)
      script.change("ZADD", partition.retries_key, {keep(std::to_string(*change.due)), change.member});
    else
      script.change("ZREM", partition.retries_key, {change.member});
  }
  for (const SpentEntry& entry : work.spent)
    if (!entry.elsewhere) script.change("XDEL", keep(std::string(entry.stream)), {entry.id});
  if (work.elements > 0) script.change("LTRIM", partition.ingress_key, {keep(std::to_string(work.elements)), "-1"});
}

size_t CommitBuilder::script_of(unsigned partition) const {
  size_t number = 0;
  while (number + 1 < used_ && parts_[number].only && *parts_[number].only != partition) ++number;
  return number;
}

std::optional<size_t> CommitBuilder::delivery_of(size_t number, size_t key) const {
  const Part& part = parts_[number];
  const auto entry = part.script.entry_of(key);
  if (!entry || *entry < part.first_delivery || *entry - part.first_delivery >= part.deliveries.size())
    return std::nullopt;
  return part.deliveries[*entry - part.first_delivery];
}

}  // namespace mas::gateway
