// What a commit sends, and what its answers mean.
#include "daemons/gatewayd/turn/commit_op.h"

#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"
#include "daemons/gatewayd/turn/wake_ups.h"

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
  parts_.redis.abandon(this);
  asked_.clear();
  if (state_.is(State::kSent) && scripts_left_ > 0) tell_done();
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
  scripts_.clear();
  scripts_left_ = 0;
  failure_.reset();
  replicas_.turn_dropped();
  parts_.decider.dropped(sealed_);
}

bool CommitOp::start() {
  state_.to(State::kSent);
  redis::Rope rope = build();
  note_what_follows();
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
  if (parts_.on_cluster()) parts_.flush_events();  // to other nodes, whose answers the commit does not wait for
  redis::Command command = std::exchange(parts_.events, {});
  expect(Tag::kEvent, command.count());
  if (options.policy.breaker_mode != Mode::kOff)
    for (unsigned delivery : CircuitWriter::ask_lengths(command, parts_.decider.result().deliveries()))
      asked_.push_back({Tag::kLength, delivery});
  redis::Rope rope = parts_.batch.kept_bytes() < kLeastLent ? redis::Rope() : redis::Rope(parts_.batch.lend());
  rope.add(command);
  for (size_t i = 0; i < builder_->scripts(); ++i) builder_->script(i).append_to(rope);
  expect(Tag::kCommit, builder_->scripts());
  command = {};
  expect(Tag::kCircuit, circuits_.append_to(command, parts_.decider.circuit_changes()));
  if (replicas_.wanted() && !parts_.on_cluster()) {
    replicas_.ask(command);
    expect(Tag::kWait);
  }
  rope.add(command);
  return rope;
}

/// Of several entries of one stream its receiver hears once.
void CommitOp::note_what_follows() {
  const TurnResult& result = parts_.decider.result();
  scripts_left_ = builder_->scripts();
  scripts_.assign(scripts_left_, {});
  const std::string_view publish = parts_.on_cluster() ? "SPUBLISH" : "PUBLISH";
  for (const auto& receipt : result.receipts())
    scripts_[builder_->script_of(receipt.partition)].receipts.add(publish, receipt.channel, receipt.bytes);
  if (!parts_.on_cluster()) return;
  for (const PartitionWork* work : result.work())
    for (const SpentEntry& entry : work->spent)
      if (entry.elsewhere)
        scripts_[builder_->script_of(work->partition->number)].rest.add("XDEL", entry.stream, entry.id);
  WakeUps wake_ups;
  for (const Delivery& delivery : result.deliveries()) wake_ups.add(*delivery.inbox);
  wake_ups.take([this](unsigned partition, std::string_view channel, std::string_view text) {
    scripts_[builder_->script_of(partition)].rest.add("SPUBLISH", channel, text);
  });
}

void CommitOp::note_written() {
  written_.clear();
  for (const PartitionWork* work : parts_.decider.result().work()) {
    if (auto& oversized = parts_.partitions.oversized(*work->partition)) oversized->in_commit = true;
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
  const Asked asked = asked_[tag];
  asked_.take_reply();
  if (answer.ok())
    take(asked, **answer);
  else
    unanswered(asked, answer.error());
  if (!state_.is(State::kSent) || !asked_.done()) return;
  asked_.clear();
  state_.to(State::kIdle);
  parts_.pipeline.commit_over();
  listener_.on_commit_over();
}

/// On one server the link is lost, and with it all other answers. On a cluster those of other slots still come.
void CommitOp::unanswered(const Asked& asked, const Error& why) {
  const bool others_come = parts_.on_cluster() && asked.tag != Tag::kWait;
  if (others_come && asked.tag != Tag::kCommit) {
    if (asked.tag == Tag::kCircuit) circuits_.unanswered(asked.number);
    return;
  }
  link_lost();
  if (!others_come) return listener_.on_failed({"redis_lost", why.message});
  if (!failure_) failure_ = TurnFailure{"redis_lost", why.message};
  script_over();
}

void CommitOp::take(const Asked& asked, const redis::Reply& reply) {
  switch (asked.tag) {
    case Tag::kEvent:
      return;
    case Tag::kLength:
      if (scripts_left_ == 0) return;  // late: the deliveries are counted in it, and their places are given back
      return CircuitWriter::take_length(sealed_.deliveries[asked.number], reply);
    case Tag::kCommit:
      return take_commit(asked.number, reply);
    case Tag::kCircuit:
      return circuits_.take(asked.number, reply, parts_.events);
    case Tag::kWait:
      return replicas_.answered(reply);
  }
}

void CommitOp::take_commit(size_t script, const redis::Reply& reply) {
  const auto result = commit_result(reply);
  if (result && result->kind == CommitResult::Kind::kDone) {
    scripts_[script].done = true;
    parts_.publish(std::exchange(scripts_[script].rest, {}));
    replicas_.committed_at(parts_.redis.answering());
    if (parts_.on_cluster() && scripts_left_ > 1) parts_.flush_events();  // the others may take long
  } else {
    note_failure(script, result);
  }
  script_over();
}

void CommitOp::script_over() {
  if (--scripts_left_ > 0) return;
  test_hook("after_commit");
  if (!failure_) return committed();
  tell_done();
  listener_.on_failed(*std::exchange(failure_, std::nullopt));
}

/// The turn is dropped; what some of its scripts did stays. With replicas to wait for, senders ask again.
void CommitOp::tell_done() {
  remember();
  for (const Written& written : written_)
    if (scripts_[builder_->script_of(written.partition)].done)
      parts_.oversized_gone(parts_.partitions[written.partition]);
  for (Script& one : scripts_)
    if (one.done && !replicas_.wanted()) publish(std::exchange(one.receipts, {}));
  if (parts_.on_cluster()) parts_.flush_events();
}

/// Where the script answers, it has changed nothing.
void CommitOp::note_failure(size_t script, const Result<CommitResult>& result) {
  for (const Written& written : written_) {
    auto& oversized = parts_.partitions.oversized(parts_.partitions[written.partition]);
    if (result && oversized && builder_->script_of(written.partition) == script) oversized->in_commit = false;
  }
  TurnFailure failure;
  if (!result)
    failure = {"commit_failed", result.error().message, kLongPause};
  else if (result->kind == CommitResult::Kind::kFenced)
    failure = {"commit_fenced", "another gateway has taken a partition"};
  else
    failure = keys_refused(script, result->refused);
  if (!failure_) failure_ = std::move(failure);
}

/// What partitions are known to have from now on.
void CommitOp::remember() {
  for (const Written& written : written_) {
    if (!scripts_[builder_->script_of(written.partition)].done) continue;
    if (written.block.number != 0) {
      parts_.losses.committed(written.partition, written.block.number + 1);
      parts_.chains.committed(written.block);
    }
    if (!written.field.empty()) parts_.losses.committed(written.partition, written.field, written.last, mono_now());
  }
}

void CommitOp::committed() {
  TurnStats::stage_over(parts_.stats.commit_seconds, began_);
  parts_.stats.add(sealed_, parts_.dlp.get());
  parts_.decider.committed(sealed_);
  remember();
  if (const Partition* partition = parts_.trials.turn_committed())
    parts_.tell_set_aside(*partition, "deciding it repeatedly ended a gateway or took too long");
  for (Script& script : scripts_) {
    if (replicas_.wanted())
      replicas_.hold(std::exchange(script.receipts, {}));
    else
      publish(std::exchange(script.receipts, {}));
  }
  if (replicas_.wanted() && parts_.on_cluster()) expect(Tag::kWait, ask_replicas());
  listener_.on_committed();
}

size_t CommitOp::ask_replicas() {
  return replicas_.ask_each(redis::reply_to<&CommitOp::on_reply>(this, asked_.size()));
}

/// In one write with the next commit, or alone when there is none.
void CommitOp::publish(redis::Command receipts) {
  parts_.stats.receipts.add(receipts.count());
  parts_.publish(std::move(receipts));
}

/// The next turn decides anew, and knows what this one learnt: keys that take nothing.
TurnFailure CommitOp::keys_refused(size_t script, const std::vector<CommitResult::Refusal>& refused) {
  bool all_known = true;
  std::string why;
  for (const auto& one : refused) {
    all_known = key_refused(script, one) && all_known;
    if (why.size() >= kWhyBytes) continue;
    why.append(why.empty() ? "" : "; ").append(builder_->script(script).key(one.key)).append(": ").append(one.error);
  }
  if (all_known) return {"keys_refused", why, Duration::zero()};
  return {"commit_refused", why, kLongPause};
}

/// @return whether the next turn can do without the key.
bool CommitOp::key_refused(size_t script, const CommitResult::Refusal& refused) {
  if (!is_the_keys(refused.error)) return false;
  const MonoTime again = mono_now() + kFailingFor;
  if (auto delivery = builder_->delivery_of(script, refused.key); delivery && *delivery < sealed_.deliveries.size()) {
    TargetStream& inbox = *sealed_.deliveries[*delivery].inbox;
    inbox.failing = refused.error;
    inbox.failing_until = again;
    return true;
  }
  const std::string_view key = builder_->script(script).key(refused.key);
  if (builder_->is_dead_letters(script, key)) return parts_.dead_letters_again = again, true;
  if (builder_->is_held(script, key)) return parts_.held_again = again, true;
  if (builder_->is_unproven(script, key)) return parts_.unproven_again = again, true;
  for (const auto& partition : parts_.partitions.all()) {
    if (partition->expected_at(key).empty()) continue;
    if (!partition->epoch.empty()) parts_.partitions.rest(*partition, key, refused.error);  // else by another key
    return true;
  }
  return false;
}

}  // namespace mas::gateway
