// What is asked when partitions are fenced, and what the answers mean.
#include "daemons/gatewayd/turn/fence_op.h"

#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"
#include "proto/base/ids.h"
#include "proto/redis/reply_values.h"
#include "proto/wire/partitions.h"

namespace mas::gateway {
namespace {

using State = FenceOp::State;
using Type = redis::Reply::Type;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kAsked},
                                            {State::kAsked, State::kIdle},
                                            {State::kIdle, State::kRaising},
                                            {State::kRaising, State::kAsked},
                                            {State::kRaising, State::kIdle}});

}  // namespace

/// By tag. The epoch comes first: what the owner before did is what the others then read.
const FenceOp::Question FenceOp::kQuestions[] = {
    {Tag::kEpoch, &Partition::epoch_key, Type::kInteger},
    {Tag::kIngress, &Partition::ingress_key, Type::kInteger},
    {Tag::kListBytes, &Partition::ingress_key, Type::kInteger},
    {Tag::kSenders, &Partition::senders_key, Type::kArray, true},
    {Tag::kArchive, &Partition::archive_key, Type::kInteger},
    {Tag::kAuditHead, &Partition::audit_key, Type::kArray, true},
    {Tag::kRetryCount, &Partition::retries_key, Type::kInteger},
    {Tag::kFirstRetry, &Partition::retries_key, Type::kArray, true},
};

FenceOp::FenceOp(TurnParts& parts, TurnListener& listener)
    : parts_(parts), listener_(listener), state_(State::kIdle, kMoves) {}

void FenceOp::reset() {
  parts_.redis.abandon(this);
  asked_.clear();
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

void FenceOp::start(bool archiving) {
  archiving_ = archiving;
  known_ = parts_.chains.tips();
  raised_.clear();
  const MonoTime now = mono_now();
  for (const auto& partition : parts_.partitions.all()) {
    if (!parts_.partitions.taken(*partition) || !partition->epoch.empty()) continue;
    if (!parts_.partitions.resting().asleep(partition->number, now)) raised_.push_back(partition.get());
  }
  parts_.stats.fences.add(raised_.size());
  if (!parts_.on_cluster() || raised_.empty()) return ask();
  redis::Command command;
  for (const Partition* partition : raised_) raise(command, *partition);
  send(State::kRaising, std::move(command));
}

void FenceOp::raise(redis::Command& command, const Partition& partition) {
  command.add("INCR", partition.epoch_key);
  asked_.push_back({Tag::kEpoch, partition.number});
}

/// Whoever changes the number of partitions raises the epochs with it, so one that is still agreed on behind them holds
/// for what follows.
void FenceOp::ask() {
  redis::Command command;
  auto add = [&](Tag tag, const Partition& partition, const auto&... words) {
    command.add(words...);
    asked_.push_back({tag, partition.number});
  };
  for (const Partition* one : raised_) {
    const Partition& partition = *one;
    if (!parts_.on_cluster()) raise(command, partition);
    add(Tag::kIngress, partition, "LLEN", partition.ingress_key);
    add(Tag::kListBytes, partition, "MEMORY", "USAGE", partition.ingress_key, "SAMPLES", 0);
    add(Tag::kSenders, partition, "HGETALL", partition.senders_key);
    if (archiving_) add(Tag::kArchive, partition, "XLEN", partition.archive_key);
    add(Tag::kAuditHead, partition, "XREVRANGE", partition.audit_key, "+", "-", "COUNT", 1);
    add(Tag::kRetryCount, partition, "ZCARD", partition.retries_key);
    add(Tag::kFirstRetry, partition, "ZRANGE", partition.retries_key, 0, 0, "WITHSCORES");
  }
  command.add("HGET", parts_.frame.keys().config(), "partitions");
  asked_.push_back({Tag::kPartitions});
  send(State::kAsked, std::move(command));
}

void FenceOp::send(State state, redis::Command command) {
  state_.to(state);
  parts_.stats.round_trips.add();
  auto status = parts_.redis.send(std::move(command), redis::reply_to<&FenceOp::on_reply>(this));
  if (!status) listener_.on_failed({"redis_unreachable", status.error().message});
}

void FenceOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (state_.is(State::kIdle)) return;  // reset, while a lost link answers
  const Asked asked = asked_[tag];
  const bool last = asked_.take_reply();
  if (!answer.ok()) return unanswered(asked, answer.error());
  take(asked, **answer);
  if (!last || state_.is(State::kIdle)) return;
  asked_.clear();
  if (state_.is(State::kRaising)) return ask();
  state_.to(State::kIdle);
  tell_losses();
  listener_.on_fenced();
}

void FenceOp::unanswered(const Asked& asked, const Error& why) {
  const bool large = why.code == Errc::kTooLarge && asked.tag != Tag::kPartitions &&
                     kQuestions[static_cast<size_t>(asked.tag)].may_be_large;
  if (!large) return listener_.on_failed({"redis_lost", why.message});
  Partition& partition = parts_.partitions[asked.partition];
  const std::string what = partition.*kQuestions[static_cast<size_t>(asked.tag)].key + ": " + why.message;
  parts_.partitions.rest(partition, what);
  listener_.on_failed({"value_too_large", what, kShortPause, true});
}

void FenceOp::take(const Asked& asked, const redis::Reply& reply) {
  if (asked.tag == Tag::kPartitions) return take_partitions(reply);
  Partition& partition = parts_.partitions[asked.partition];
  const Question& question = kQuestions[static_cast<size_t>(asked.tag)];
  if (asked.tag == Tag::kListBytes) {
    auto status = take_list_bytes(partition, reply);
    if (!status) listener_.on_failed({"list_not_weighed", status.error().message, kLongPause});
    return;
  }
  if (asked.tag != Tag::kEpoch && partition.epoch.empty()) return;  // it was put to rest
  if (reply.is_error() && !is_the_keys(reply.text))
    return listener_.on_failed({"fence_failed", redis::error_of(reply).message, kLongPause});
  if (reply.is_error()) return parts_.partitions.rest(partition, partition.*question.key, reply.text);
  if (auto status = load(partition, question, reply); !status)
    return parts_.partitions.rest(partition, status.error().message);
  if (asked.tag == Tag::kFirstRetry && parts_.partitions.resting().mark_healthy(partition.number, mono_now()))
    parts_.frame.log().info("partition_works_again", {{"partition", partition.number}});
}

void FenceOp::take_partitions(const redis::Reply& reply) {
  const size_t count = parts_.partitions.size();
  if (reply.is_text() && parse_partitions(reply.text) == count) return;
  if (auto field = PartitionsField::parse(reply.text); field.ok() && field->changing)
    return listener_.on_failed({"partitions_changed", field->settled().error().message, kLongPause});
  const std::string found = reply.is_nil() ? "none" : printable(reply.text, 64);
  const std::string why = parts_.frame.keys().config() + " has " + found + " partitions, this gateway ";
  listener_.on_failed({"partitions_changed", why + std::to_string(count), kLongPause});
}

Status FenceOp::load(Partition& partition, const Question& question, const redis::Reply& reply) {
  if (reply.type != question.answer)
    return Error{Errc::kProtocol, partition.*question.key + ": Redis gave an answer of another type"};
  switch (question.tag) {
    case Tag::kEpoch:
      load_epoch(partition, reply.integer);
      break;
    case Tag::kSenders:
      return load_senders(partition, reply);
    case Tag::kAuditHead:
      return load_audit_head(partition, reply);
    case Tag::kRetryCount:
      partition.retries = static_cast<uint64_t>(reply.integer);
      break;
    case Tag::kFirstRetry:
      partition.next_retry = due_of(reply);
      break;
    case Tag::kIngress:
    case Tag::kArchive:  // their types are right
    case Tag::kListBytes:
    case Tag::kPartitions:
      break;
  }
  return {};
}

/// An element that was too large still is the head, if nobody else has fenced the partition since, and no commit was
/// sent that may have taken it away.
void FenceOp::load_epoch(Partition& partition, int64_t epoch) {
  partition.epoch_number = static_cast<uint64_t>(epoch);
  partition.epoch = std::to_string(epoch);
  parts_.losses.compare(partition.number, Losses::kEpoch, partition.epoch_number);
  auto& oversized = parts_.partitions.oversized(partition);
  if (!oversized || oversized->bytes == 0) return;
  if (partition.epoch_number == oversized->epoch + 1 && !oversized->in_commit)
    oversized->epoch = partition.epoch_number;
  else
    oversized.emplace();
}

Status FenceOp::load_senders(Partition& partition, const redis::Reply& reply) {
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  for (size_t i = 0; i + 1 < reply.count; i += 2) fields.emplace_back(reply[i].text, reply[i + 1].text);
  if (auto status = partition.load_senders(fields, parts_.frame.keys()); !status) return status;
  const Duration kept = 2 * parts_.options.policy.auth.drift;  // SenderSweep
  const std::string_view field = parts_.losses.sender(partition.number, mono_now(), kept);
  if (!field.empty()) parts_.losses.compare_sender(partition.number, partition.last_of(field));
  return {};
}

Status FenceOp::load_audit_head(Partition& partition, const redis::Reply& reply) {
  if (reply.count == 0) {
    parts_.losses.compare(partition.number, Losses::kBlock, audit::kFirstBlock);
    auto status = partition.load_audit_head({});
    compare_chain(partition);
    return status;
  }
  const redis::Reply* block = redis::entry_field(reply[0], "b");
  if (block == nullptr)
    return Error{Errc::kMalformed, partition.audit_key + ": the newest entry is not an audit block"};
  auto status = partition.load_audit_head(block->text, parts_.options.ns);
  if (!status) return status;
  parts_.losses.compare(partition.number, Losses::kBlock, partition.next_block);
  compare_chain(partition);
  return status;
}

/// A turn without elements records what is gone, if no other comes first.
void FenceOp::compare_chain(Partition& partition) {
  const audit::BlockHead tip{partition.number, partition.next_block - 1, partition.previous_hash};
  if (auto lost = audit::ChainMemory::missing(known_, tip, wall_now())) parts_.chains.report(*lost, tip);
  partition.lost = parts_.chains.to_record(tip);
  if (partition.lost) partition.next_summary = Partition::kSummaryNow;
}

/// Operators hear of it in the log, on mas.system, in the metrics, and by `masctl doctor` while this gateway runs.
void FenceOp::tell_losses() {
  std::string found = parts_.losses.take();
  if (found.empty()) return;
  parts_.stats.losses.add();
  lost_ = {wall_now(), std::move(found)};
  parts_.frame.log().error("redis_lost_data", {{"what", lost_.what}});
  parts_.alert("Redis lost data; accepted messages may be lost: " + lost_.what, lost_.at);
}

}  // namespace mas::gateway
