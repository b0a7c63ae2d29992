// What a turn writes: deliveries, dead letters, audit blocks, states and trims, as the commit script takes them; and what its
// answer means.
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/turn/redis_words.h"
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kReplyStreamMillis = "60000";  // as its instance renews it
constexpr Duration kFailingFor = 5s;                      // a stream that refused an entry is not tried
constexpr size_t kWhyBytes = 1000;                        // of one sentence in the log, about
constexpr size_t kLeastLent = 1024 * 1024;                // of a smaller turn, messages are copied into the command

}  // namespace

/// The turn in hand is sent, and its place is free. The memory of a large one goes along, and comes back with what was written.
void TurnLoop::commit() {
  build_commit();
  const TurnResult& result = decider_.result();
  redis::Command command = std::exchange(receipts_, {});
  for (size_t i = 0; i < command.count(); ++i) expect(Reply::kReceipt);
  if (options_.policy.breaker_mode != Mode::kOff)
    for (unsigned delivery : CircuitWriter::ask_lengths(command, result.deliveries())) expect(Reply::kLength, delivery);
  redis::Rope rope = batch_.kept_bytes() < kLeastLent ? redis::Rope() : redis::Rope(batch_.lend());
  rope.add(command);
  commit_.append_to(rope);
  expect(Reply::kCommit);
  command = {};
  for (unsigned i = 0, n = circuits_.append_to(command, decider_.circuit_changes()); i < n; ++i)
    expect(Reply::kCircuit, i);
  if (options_.wait_replicas > 0) {
    command.add("WAIT", options_.wait_replicas, to_millis(options_.wait_timeout));
    expect(Reply::kWait);
  }
  expected_.back().ends = Ends::kCommit;
  its_receipts_ = {};
  for (const auto& receipt : result.receipts()) its_receipts_.add("PUBLISH", receipt.channel, receipt.bytes);
  sent_blocks_.clear();
  sent_senders_.clear();
  for (const PartitionWork* work : result.work()) {
    const unsigned p = work->partition->number;
    if (!work->block.bytes.empty()) sent_blocks_.emplace_back(p, work->partition->next_block);
    if (work->wrote != nullptr) sent_senders_.push_back({p, work->wrote->field, work->wrote->state.last()});
  }
  decider_.seal(sealed_);
  committing_ = true;
  commit_began_ = mono_now();
  stage_.to(Stage::kNone);
  if (read_ == Read::kHere && batch_.empty()) read_ = Read::kNone;  // there may be more by now
  const bool read_too = read_ == Read::kNone && !turn_over() && !trial_ && !must_weigh();
  if (read_too) ask_elements(command);
  rope.add(command);
  if (send(std::move(rope), read_too ? Ends::kRead : Ends::kCommit)) written_.arm();
}

/// Entries: audit blocks first, which are large, so that Redis makes room for large reads; archive; deliveries, whose place
/// key_refused() has to know; dead letters. Keys are asked for when the reply comes: none may be the decider's.
void TurnLoop::build_commit() {
  const TurnResult& result = decider_.result();
  commit_.clear();
  texts_.clear();  // a deque: what is viewed does not move
  const std::string& now = texts_.emplace_back(std::to_string(turn_now_));
  for (const PartitionWork* work : result.work()) commit_.fence(work->partition->epoch_key, work->partition->epoch);
  for (const PartitionWork* work : result.work())
    if (!work->block.bytes.empty() && !test_break("unaudited"))
      commit_.entry(work->partition->audit_key, {"b", work->block.bytes});
  for (const PartitionWork* work : result.work())
    if (!work->archive_entry.empty()) commit_.entry(work->partition->archive_key, {"b", work->archive_entry});
  first_delivery_ = commit_.entries();
  for (const Delivery& delivery : result.deliveries()) {
    if (test_break("lose")) continue;
    const redis::Argument blob(delivery.pieces, delivery.bytes);
    commit_.entry(delivery.key, {"b", blob});
    if (test_break("double")) commit_.entry(delivery.key, {"b", blob});
  }
  for (const DeadLetter& letter : result.dead_letters()) {
    std::string_view first = letter.first == 0 ? now : texts_.emplace_back(std::to_string(letter.first));
    std::string_view attempts = texts_.emplace_back(std::to_string(letter.attempts));
    commit_.entry(dead_letters_key_,
                  {"payload", letter.payload, "sender", letter.sender, "target", letter.target, "id", letter.message_id,
                   "reason", letter.reason, "attempts", attempts, "first", first, "last", now});
  }

  for (const Unproven& one : result.unproven())
    commit_.entry(unproven_key_,
                  {"payload", one.payload, "claimed", one.claimed, "reason", one.reason, "first", now, "last", now});
  if (!result.unproven().empty())
    commit_.change("XTRIM", unproven_key_, {"MAXLEN", texts_.emplace_back(std::to_string(kUnprovenKept))});

  // The instance may be gone, and nobody would remove what is made for it.
  for (const Delivery& delivery : result.deliveries())
    if (delivery.inbox->replies) commit_.change("PEXPIRE", delivery.key, {kReplyStreamMillis});

  if (trial_) commit_.change("DEL", partitions_[*trial_]->trial_key, {});
  std::vector<std::string_view> arguments;
  for (const PartitionWork* work : result.work()) {
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
    for (const SpentEntry& entry : work->spent) commit_.change("XDEL", texts_.emplace_back(entry.stream), {entry.id});
    if (work->elements == 0) continue;
    commit_.change("LTRIM", work->partition->ingress_key, {texts_.emplace_back(std::to_string(work->elements)), "-1"});
  }
}

void TurnLoop::take_commit(const redis::Reply& reply) {
  auto result = commit_result(reply);
  if (!result) return drop_turn("commit_failed", result.error().message, kLongPause);
  if (result->kind == CommitResult::Kind::kFenced)
    return drop_turn("commit_fenced", "another gateway has taken a partition", kShortPause);
  if (result->kind == CommitResult::Kind::kFailed) return keys_refused(result->refused);
  test_hook("after_commit");
  committed();
}

void TurnLoop::committed() {
  stage_over(stats_.commit_seconds, commit_began_);
  if (read_ == Read::kAsked) read_began_ = mono_now();  // until now it waited behind the commit
  obstacle_.clear();
  repeat_.reset();
  stats_.add(sealed_, dlp_.get());
  decider_.committed(sealed_);
  for (const auto& [p, next] : sent_blocks_) losses_.committed(p, next);
  for (const auto& [p, field, last] : sent_senders_) losses_.committed(p, field, last, mono_now());
  judge_committed();
  if (!oversized_.empty()) forget_oversized();
  if (stage_.is(Stage::kNone)) {
    facts_.shrink(options_.cached_agents);
    decider_.shrink();
  }
  if (options_.wait_replicas == 0) publish_receipts();
}

/// What follows the commit in its write is answered, too. Receipts do not wait for a turn in hand: it may be a large one.
void TurnLoop::commit_over() {
  committing_ = false;
  if (stage_.is(Stage::kNone)) return;
  flush_receipts();
  connection_.flush();
}

/// The next turn decides anew, and knows what this one learnt: keys that take nothing.
void TurnLoop::keys_refused(const std::vector<CommitResult::Refusal>& refused) {
  bool all_known = true;
  std::string why;
  for (const auto& one : refused) {
    all_known = key_refused(one) && all_known;
    if (why.size() >= kWhyBytes) continue;
    why.append(why.empty() ? "" : "; ").append(commit_.key(one.key)).append(": ").append(one.error);
  }
  drop_turn(all_known ? "keys_refused" : "commit_refused", why, all_known ? Duration::zero() : kLongPause);
}

/// @return whether the next turn can do without the key.
bool TurnLoop::key_refused(const CommitResult::Refusal& refused) {
  if (!is_the_keys(refused.error)) return false;
  auto entry = commit_.entry_of(refused.key);
  if (entry && *entry >= first_delivery_ && *entry - first_delivery_ < sealed_.deliveries.size()) {
    Inbox& inbox = *sealed_.deliveries[*entry - first_delivery_].inbox;
    inbox.failing = refused.error;
    inbox.failing_until = mono_now() + kFailingFor;
    return true;
  }
  std::string_view key = commit_.key(refused.key);
  if (key == dead_letters_key_) {
    dead_letters_again_ = mono_now() + kFailingFor;
    return true;
  }
  if (key == unproven_key_) {
    unproven_again_ = mono_now() + kFailingFor;
    return true;
  }
  for (const auto& partition : partitions_) {
    if (partition->expected_at(key).empty()) continue;
    if (!partition->epoch.empty()) put_to_rest(*partition, key, refused.error);  // else by another key
    return true;
  }
  return false;
}

/// In one write with the next commit, or alone when there is none.
void TurnLoop::publish_receipts() {
  stats_.receipts.add(its_receipts_.count());
  receipts_.add(std::exchange(its_receipts_, {}));
}

}  // namespace mas::gateway
