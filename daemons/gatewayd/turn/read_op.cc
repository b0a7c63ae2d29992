// What is asked of the lists, and what the answers mean.
#include "daemons/gatewayd/turn/read_op.h"

#include <algorithm>
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"
#include "proto/redis/reply_values.h"

namespace mas::gateway {
namespace {

using State = ReadOp::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kAsked},
                                            {State::kIdle, State::kWeighing},
                                            {State::kWeighing, State::kAsked},
                                            {State::kAsked, State::kIdle},
                                            {State::kWeighing, State::kIdle}});  // reset

}  // namespace

ReadOp::ReadOp(TurnParts& parts, TurnListener& listener)
    : parts_(parts), listener_(listener), state_(State::kIdle, kMoves), retries_(parts) {}

void ReadOp::reset() {
  parts_.redis.abandon(this);
  asked_.clear();
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

// ---- Asking

void ReadOp::read() {
  parts_.stats.round_trips.add();
  if (Partition* partition = Trials::in_doubt(parts_.partitions)) return try_alone(*partition);
  if (must_weigh()) return weigh();
  ask();
}

/// On a cluster a read behind a commit might be answered before it, while their slot moves.
bool ReadOp::may_read_along() const {
  if (parts_.on_cluster() && parts_.pipeline.committing()) return false;
  return parts_.pipeline.read() == TurnPipeline::Read::kNone && parts_.trials.under_way() == nullptr && !must_weigh();
}

void ReadOp::read_along() { ask(); }

bool ReadOp::may_read_ahead() const {
  if (!may_read_along()) return false;
  return std::none_of(parts_.partitions.all().begin(), parts_.partitions.all().end(), [this](const auto& partition) {
    return parts_.partitions.taken(*partition) && retries_.due(*partition);
  });
}

void ReadOp::read_ahead() {
  parts_.stats.round_trips.add();
  parts_.stats.read_ahead.add();
  ask();
}

void ReadOp::try_alone(Partition& partition) {
  redis::Command command = parts_.time_command();
  parts_.trials.begin(partition, command);
  command.add("LRANGE", partition.ingress_key, 0, 0);
  for (const Asked& asked : {Asked{Tag::kTime}, {Tag::kTrial, partition.number}, {Tag::kElements, partition.number}})
    asked_.push_back(asked);
  sent(std::move(command));
}

/// Elements of turns that are committed before, or in the same write, are gone by then; those in hand are passed over.
void ReadOp::ask() {
  redis::Command command = parts_.time_command();
  asked_.push_back({Tag::kTime});
  ++first_;
  const PartitionTable& partitions = parts_.partitions;
  for (size_t i = 0; i < partitions.size(); ++i) {
    Partition& partition = partitions[(first_ + i) % partitions.size()];
    if (partitions.decided(partition)) ask_partition(command, partition);
  }
  active_before_ = std::exchange(active_, 0);  // counted anew as they answer
  sent(std::move(command));
}

void ReadOp::ask_partition(redis::Command& command, Partition& partition) {
  const bool in_hand = parts_.pipeline.hand() != TurnPipeline::Hand::kNone;
  const size_t first = in_hand ? parts_.batch.elements_of(partition.number) : 0;
  const size_t count = std::min(elements_to_ask(partition), std::exchange(partition.fits, Partition::kAnyNumber));
  if (count > 0) {
    command.add("LRANGE", partition.ingress_key, first, first + count - 1);
    asked_.push_back({Tag::kElements, partition.number});
  }
  if (partition.list_bytes > 0) {
    command.add("MEMORY", "USAGE", partition.ingress_key, "SAMPLES", ListWeight::kMaxElements);
    asked_.push_back({Tag::kListBytes, partition.number});
  }
  if (in_hand || !retries_.due(partition)) return;
  retries_.ask(command, partition, share());
  for (Tag tag : {Tag::kDue, Tag::kNextDue, Tag::kRetryCount}) asked_.push_back({tag, partition.number});
}

void ReadOp::sent(redis::Command command) {
  state_.to(State::kAsked);
  parts_.pipeline.ask();
  began_ = mono_now();
  auto status = parts_.redis.send(std::move(command), redis::reply_to<&ReadOp::on_reply>(this));
  if (!status) listener_.on_failed({"redis_unreachable", status.error().message});
}

size_t ReadOp::elements_to_ask(const Partition& partition) const {
  const size_t active = std::max<size_t>({active_, active_before_, 1});
  auto messages = static_cast<double>(std::min(parts_.options.messages / active, kPartitionMessages));
  auto bytes = static_cast<double>(std::min(parts_.options.bytes / active, kPartitionBytes));
  double share = std::min(messages / partition.mean_element_records, bytes / partition.mean_element_bytes);
  return std::clamp<size_t>(static_cast<size_t>(share), 1, ListWeight::kMaxElements);
}

// ---- Large lists

size_t ReadOp::share() const {
  size_t large = 0;
  for (const auto& partition : parts_.partitions.all()) large += partition->list_bytes > 0 ? 1 : 0;
  return std::min(parts_.options.bytes / std::max<size_t>(large, 1), kPartitionBytes);
}

/// Whether the lists may hold more than a read should bring.
bool ReadOp::must_weigh() const {
  uint64_t bytes = 0;
  for (const auto& partition : parts_.partitions.all()) {
    if (parts_.partitions.oversized(*partition)) return true;
    if (parts_.partitions.taken(*partition)) bytes += partition->list_bytes;
  }
  return bytes > TurnOptions::kWholeReads * parts_.options.bytes;
}

void ReadOp::weigh() {
  redis::Command command;
  for (const auto& partition : parts_.partitions.all()) {
    const auto& oversized = parts_.partitions.oversized(*partition);
    if (!parts_.partitions.decided(*partition) || (partition->list_bytes <= share() && !oversized)) continue;
    if (oversized && oversized->bytes > 0) continue;  // it is known, and taken alone
    partition->weight = {};
    command.add("LRANGE", partition->ingress_key, 0, 0);
    asked_.push_back({Tag::kHead, partition->number});
    for (size_t samples : ListWeight::kSamples) {
      command.add("MEMORY", "USAGE", partition->ingress_key, "SAMPLES", samples);
      asked_.push_back({Tag::kWeight, partition->number});
    }
  }
  if (command.count() == 0) return read_weighed();
  state_.to(State::kWeighing);
  auto status = parts_.redis.send(std::move(command), redis::reply_to<&ReadOp::on_reply>(this));
  if (!status) return listener_.on_failed({"redis_unreachable", status.error().message});
  parts_.stats.round_trips.add();
}

/// One list after another until the turn is full, so that many large heads are not read at once either.
void ReadOp::read_weighed() {
  size_t left = parts_.options.bytes;
  for (size_t i = 0; i < parts_.partitions.size(); ++i) {
    Partition& partition = parts_.partitions[(first_ + 1 + i) % parts_.partitions.size()];
    if (auto& oversized = parts_.partitions.oversized(partition)) {
      if (oversized->bytes > 0)
        partition.fits = 0;
      else if (partition.weight.total() <= share())
        oversized.reset();  // it is gone
    }
    if (!partition.weight.known()) continue;
    partition.fits = left == 0 ? 0 : partition.weight.fitting(std::min(left, share()));
    left -= std::min(left, partition.fits == 0 ? 0 : partition.weight.bytes_of(partition.fits));
    partition.weight = {};
  }
  ask();
}

// ---- Answers

void ReadOp::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (state_.is(State::kIdle)) return;  // reset, while a lost link answers
  if (state_.is(State::kAsked) && asked_.none_answered()) parts_.batch.start();
  const bool last = asked_.take_reply();
  if (!answer.ok()) return unanswered(asked_[tag], answer.error());
  take(asked_[tag], **answer);
  if (!last || state_.is(State::kIdle)) return;
  asked_.clear();
  return state_.is(State::kWeighing) ? read_weighed() : finish();
}

void ReadOp::finish() {
  state_.to(State::kIdle);
  TurnStats::stage_over(parts_.stats.read_seconds, began_);
  parts_.pipeline.arrive();
  for (const auto& partition : parts_.partitions.all()) {
    const auto& oversized = parts_.partitions.oversized(*partition);
    if (oversized && oversized->bytes > 0 && parts_.partitions.owned(*partition) && !partition->epoch.empty())
      parts_.batch.append_oversized(partition->number, oversized->bytes, oversized->head);
  }
  if (parts_.trials.failed_before()) parts_.batch.give_up();
  listener_.on_read();
}

/// Why there is no answer: the link is gone, or (then it goes, too) the reply has a text that is too large.
void ReadOp::unanswered(const Asked& asked, const Error& why) {
  const auto [tag, number] = asked;
  const bool retries = tag == Tag::kDue || tag == Tag::kNextDue;
  const bool large = why.code == Errc::kTooLarge && (retries || tag == Tag::kElements || tag == Tag::kHead);
  if (!large) return listener_.on_failed({"redis_lost", why.message});
  Partition& partition = parts_.partitions[number];
  const std::string what = (retries ? partition.retries_key : partition.ingress_key) + ": " + why.message;
  auto& oversized = parts_.partitions.oversized(partition);
  if (retries)
    parts_.partitions.rest(partition, what);
  else if (tag == Tag::kHead)
    oversized = {partition.epoch_number, parts_.redis.oversized().bytes, parts_.redis.oversized().head};
  else if (!oversized)
    oversized.emplace();
  listener_.on_failed({"value_too_large", what, kShortPause, true});
}

void ReadOp::take(const Asked& asked, const redis::Reply& reply) {
  if (asked.tag == Tag::kTime) return take_time(reply);
  Partition& partition = parts_.partitions[asked.partition];
  switch (asked.tag) {
    case Tag::kTrial:
      if (parts_.trials.counted(reply)) return;
      return listener_.on_failed({"commit_fenced", "another gateway has taken a partition"});
    case Tag::kElements:
      return take_elements(partition, reply);
    case Tag::kListBytes:
      if (auto status = take_list_bytes(partition, reply); !status)
        listener_.on_failed({"list_not_weighed", status.error().message, kLongPause});
      return;
    case Tag::kHead:
      if (reply.is_error()) return take_elements(partition, reply);
      if (reply.is_array() && reply.count == 1) partition.weight.set_head(reply[0].text.size());
      return;
    case Tag::kWeight:
      return partition.weight.add(reply.is_integer() ? reply.integer : 0);
    default:
      return take_retries(asked.tag, partition, reply);
  }
}

void ReadOp::take_time(const redis::Reply& reply) {
  const auto time = redis::time_of(reply);
  if (!time) return listener_.on_failed({"time_unreadable", "TIME: " + std::string(reply.text), kLongPause});
  if (const WallMicros by = parts_.clock.take(*time, mono_now()); by != 0) {
    parts_.losses.forget_senders();
    parts_.stats.clock_steps.add();
    parts_.frame.log().warn("redis_clock_stepped", {{"milliseconds", by / 1000}});
  }
  retries_.follow_clock();
}

void ReadOp::take_elements(Partition& partition, const redis::Reply& reply) {
  if (reply.is_error()) {
    if (parts_.pipeline.clear() && is_the_keys(reply.text))
      return parts_.partitions.rest(partition, partition.ingress_key, reply.text);
    const std::string why = partition.ingress_key + ": " + std::string(reply.text);
    return listener_.on_failed({"ingress_unreadable", why, kLongPause});
  }
  if (!reply.is_array() || reply.count == 0 || !parts_.partitions.owned(partition)) return;
  ++active_;
  partition.list_bytes = std::max<uint64_t>(partition.list_bytes, 1);  // so that it is asked for
  for (const auto& element : reply) {
    constexpr double kWeight = 1.0 / 16;
    partition.mean_element_bytes += (static_cast<double>(element.text.size()) - partition.mean_element_bytes) * kWeight;
    parts_.batch.append(partition.number, element.text);
  }
}

void ReadOp::take_retries(Tag tag, Partition& partition, const redis::Reply& reply) {
  if (partition.epoch.empty() || !parts_.partitions.owned(partition)) return;  // put to rest, or not ours any more
  if (reply.is_error()) {
    if (is_the_keys(reply.text)) return parts_.partitions.rest(partition, partition.retries_key, reply.text);
    const std::string why = partition.retries_key + ": " + std::string(reply.text);
    return listener_.on_failed({"retries_unreadable", why, kLongPause});
  }
  if (tag == Tag::kDue) return retries_.take_due(partition, reply);
  if (tag == Tag::kNextDue) return retries_.take_next(partition, reply);
  DueRetries::take_count(partition, reply);
}

/// What was asked for behind the commit waited until now.
void ReadOp::turn_committed() {
  began_ = mono_now();
  for (const auto& partition : parts_.partitions.all()) parts_.oversized_gone(*partition);
}

}  // namespace mas::gateway
