// What a commit sends, and what its answers mean.
#include "daemons/gatewayd/turn/commit_op.h"

#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;
using State = CommitOp::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kSent}, {State::kSent, State::kIdle}});

constexpr Duration kFailingFor = 5s;        // a stream that refused an entry is not tried
constexpr size_t kWhyBytes = 1000;          // of one sentence in the log, about
constexpr size_t kLeastLent = 1024 * 1024;  // of a smaller turn, messages are copied into the command

}  // namespace

CommitOp::CommitOp(TurnParts& parts, std::unique_ptr<CommitBuilder> builder, TurnListener& listener)
    : parts_(parts),
      listener_(listener),
      state_(State::kIdle, kMoves),
      builder_(std::move(builder)),
      circuits_(parts.frame, parts.facts),
      replicas_(parts),
      after_write_(parts.frame.loop(), "after_write") {}

void CommitOp::reset() {
  parts_.redis.forget(this);
  asked_.clear();
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
  receipts_ = {};
  replicas_.turn_dropped();
  parts_.decider.dropped(sealed_);
}

bool CommitOp::start() {
  state_.to(State::kSent);
  redis::Rope rope = build();
  receipts_ = {};
  for (const auto& receipt : parts_.decider.result().receipts())
    receipts_.add("PUBLISH", receipt.channel, receipt.bytes);
  note_written();
  parts_.decider.seal(sealed_);
  parts_.pipeline.commit();
  began_ = mono_now();
  parts_.stats.round_trips.add();
  auto status = parts_.redis.send(std::move(rope), redis::reply_to<&CommitOp::on_reply>(this));
  if (!status) listener_.on_failed({"redis_unreachable", status.error().message});
  if (status) after_write_.arm();
  return status.ok();
}

void CommitOp::expect(Tag tag, size_t count) {
  for (unsigned i = 0; i < count; ++i) asked_.push_back({tag, i});
}

redis::Rope CommitOp::build() {
  const TurnOptions& options = parts_.options;
  builder_->build(parts_.decider.result(), parts_.turn_now, parts_.trials.under_way());
  redis::Command command = std::exchange(parts_.events, {});
  expect(Tag::kEvent, command.count());
  if (options.policy.breaker_mode != Mode::kOff)
    for (unsigned delivery : CircuitWriter::ask_lengths(command, parts_.decider.result().deliveries()))
      asked_.push_back({Tag::kLength, delivery});
  redis::Rope rope = parts_.batch.kept_bytes() < kLeastLent ? redis::Rope() : redis::Rope(parts_.batch.lend());
  rope.add(command);
  builder_->script().append_to(rope);
  expect(Tag::kCommit);
  command = {};
  expect(Tag::kCircuit, circuits_.append_to(command, parts_.decider.circuit_changes()));
  if (replicas_.wanted()) {
    replicas_.ask(command);
    expect(Tag::kWait);
  }
  rope.add(command);
  return rope;
}

void CommitOp::note_written() {
  written_.clear();
  for (const PartitionWork* work : parts_.decider.result().work()) {
    Written& written = written_.emplace_back();
    written.partition = work->partition->number;
    if (!work->block.bytes.empty())
      written.block = {written.partition, work->partition->next_block - 1, work->block.hash};
    written.last = work->wrote == nullptr ? 0 : work->wrote->state.last();
    if (work->wrote != nullptr) written.field = work->wrote->field;
  }
}

void CommitOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kSent)) return;  // reset, while a lost link answers
  const bool last = tag + 1 == asked_.size();
  if (!answer.ok()) {
    link_lost();
    return listener_.on_failed({"redis_lost", answer.error().message});
  }
  take(asked_[tag], **answer);
  if (!last || !state_.is(State::kSent)) return;
  asked_.clear();
  state_.to(State::kIdle);
  parts_.pipeline.commit_over();
  listener_.on_commit_over();
}

void CommitOp::take(const Asked& asked, const redis::Reply& reply) {
  switch (asked.tag) {
    case Tag::kEvent:
      return;
    case Tag::kLength:
      return CircuitWriter::take_length(sealed_.deliveries[asked.number], reply);
    case Tag::kCommit:
      return take_commit(reply);
    case Tag::kCircuit:
      return circuits_.take(asked.number, reply, parts_.events);
    case Tag::kWait:
      return replicas_.answered(reply);
  }
}

void CommitOp::take_commit(const redis::Reply& reply) {
  auto result = commit_result(reply);
  if (!result) return listener_.on_failed({"commit_failed", result.error().message, kLongPause});
  if (result->kind == CommitResult::Kind::kFenced)
    return listener_.on_failed({"commit_fenced", "another gateway has taken a partition"});
  if (result->kind == CommitResult::Kind::kFailed) return keys_refused(result->refused);
  test_hook("after_commit");
  committed();
}

void CommitOp::committed() {
  TurnStats::stage_over(parts_.stats.commit_seconds, began_);
  parts_.stats.add(sealed_, parts_.dlp.get());
  parts_.decider.committed(sealed_);
  for (const Written& written : written_) {
    if (written.block.number != 0) {
      parts_.losses.committed(written.partition, written.block.number + 1);
      parts_.chains.committed(written.block);
    }
    if (!written.field.empty()) parts_.losses.committed(written.partition, written.field, written.last, mono_now());
  }
  if (const Partition* partition = parts_.trials.turn_committed())
    parts_.tell_set_aside(*partition, "deciding it repeatedly ended a gateway or took too long");
  if (replicas_.wanted())
    replicas_.hold(std::exchange(receipts_, {}));
  else
    publish_receipts();
  listener_.on_committed();
}

/// In one write with the next commit, or alone when there is none.
void CommitOp::publish_receipts() {
  parts_.stats.receipts.add(receipts_.count());
  parts_.publish(std::exchange(receipts_, {}));
}

/// The next turn decides anew, and knows what this one learnt: keys that take nothing.
void CommitOp::keys_refused(const std::vector<CommitResult::Refusal>& refused) {
  bool all_known = true;
  std::string why;
  for (const auto& one : refused) {
    all_known = key_refused(one) && all_known;
    if (why.size() >= kWhyBytes) continue;
    why.append(why.empty() ? "" : "; ").append(builder_->script().key(one.key)).append(": ").append(one.error);
  }
  if (all_known) return listener_.on_failed({"keys_refused", why, Duration::zero()});
  listener_.on_failed({"commit_refused", why, kLongPause});
}

/// @return whether the next turn can do without the key.
bool CommitOp::key_refused(const CommitResult::Refusal& refused) {
  if (!is_the_keys(refused.error)) return false;
  const MonoTime again = mono_now() + kFailingFor;
  if (auto delivery = builder_->delivery_of(refused.key); delivery && *delivery < sealed_.deliveries.size()) {
    TargetStream& inbox = *sealed_.deliveries[*delivery].inbox;
    inbox.failing = refused.error;
    inbox.failing_until = again;
    return true;
  }
  const std::string_view key = builder_->script().key(refused.key);
  if (key == builder_->dead_letters_key()) return parts_.dead_letters_again = again, true;
  if (key == builder_->unproven_key()) return parts_.unproven_again = again, true;
  for (const auto& partition : parts_.partitions.all()) {
    if (partition->expected_at(key).empty()) continue;
    if (!partition->epoch.empty()) parts_.partitions.rest(*partition, key, refused.error);  // else by another key
    return true;
  }
  return false;
}

}  // namespace mas::gateway
