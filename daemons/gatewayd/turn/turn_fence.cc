// Which partitions are decided here: taken over as the leases say, fenced, their memory loaded, or put to rest.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "daemons/gatewayd/turn/redis_words.h"
#include "daemons/gatewayd/turn/turn_loop.h"
#include "proto/base/ids.h"

namespace mas::gateway {

void TurnLoop::take_ownership() {
  for (size_t p = 0; p < partitions_.size(); ++p) {
    if (owned_[p] != taken_[p]) {
      partitions_[p]->forget();
      oversized_.erase(static_cast<unsigned>(p));
      resting_.forget(static_cast<unsigned>(p));
    }
    if (!owned_[p]) peeks_[p].reset();
  }
  taken_ = owned_;
}

/// From INCR on, commits of whoever owned the partition before are refused; what they did is what is loaded. Whoever changes
/// the number of partitions raises the epochs with it, so one that is still agreed on behind them holds for what follows.
void TurnLoop::fence() {
  state_.to(State::kFencing);
  redis::Command command;
  MonoTime now = mono_now();
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || !partition->epoch.empty() || resting_.asleep(partition->number, now)) continue;
    command.add("INCR", partition->epoch_key);
    command.add("LLEN", partition->ingress_key);
    command.add("MEMORY", "USAGE", partition->ingress_key, "SAMPLES", 0);
    command.add("HGETALL", partition->senders_key);
    for (Reply kind : {Reply::kEpoch, Reply::kIngress, Reply::kListBytes, Reply::kSenders})
      expect(kind, partition->number);
    if (archive_ != nullptr) {
      command.add("XLEN", partition->archive_key);
      expect(Reply::kArchive, partition->number);
    }
    command.add("XREVRANGE", partition->audit_key, "+", "-", "COUNT", 1);
    command.add("ZCARD", partition->retries_key);
    command.add("ZRANGE", partition->retries_key, 0, 0, "WITHSCORES");
    for (Reply kind : {Reply::kAuditHead, Reply::kRetryCount, Reply::kFirstRetry}) expect(kind, partition->number);
    stats_.fences.add();
  }
  command.add("HGET", frame_.keys().config(), "partitions");
  expect(Reply::kPartitions);
  send(std::move(command), Ends::kFence);
}

void TurnLoop::take_partitions(const redis::Reply& reply) {
  if (reply.is_text() && reply.text == std::to_string(partitions_.size())) return;
  const std::string found = reply.is_nil() ? "none" : printable(reply.text, 64);
  drop_turn(
      "partitions_changed",
      frame_.keys().config() + " has " + found + " partitions, this gateway " + std::to_string(partitions_.size()),
      kLongPause);
}

const std::string& TurnLoop::key_of(const Partition& partition, Reply kind) {
  if (kind == Reply::kEpoch) return partition.epoch_key;
  if (kind == Reply::kArchive) return partition.archive_key;
  if (kind == Reply::kSenders) return partition.senders_key;
  if (kind == Reply::kAuditHead) return partition.audit_key;
  constexpr std::array kRetries = {Reply::kRetryCount, Reply::kFirstRetry, Reply::kDue, Reply::kNextDue};
  const bool retries = std::find(kRetries.begin(), kRetries.end(), kind) != kRetries.end();
  return retries ? partition.retries_key : partition.ingress_key;
}

void TurnLoop::take_fence(const Expected& expected, const redis::Reply& reply) {
  Partition& partition = *partitions_[expected.partition];
  if (expected.kind != Reply::kEpoch && partition.epoch.empty()) return;  // it was put to rest
  if (reply.is_error()) {
    if (!is_the_keys(reply.text)) return drop_turn("fence_failed", redis::error_of(reply).message, kLongPause);
    return put_to_rest(partition, key_of(partition, expected.kind), reply.text);
  }
  if (auto status = load(expected, reply); !status) return put_to_rest(partition, status.error().message);
  if (expected.kind == Reply::kFirstRetry && resting_.well(partition.number, mono_now()))
    frame_.log().info("partition_works_again", {{"partition", partition.number}});
}

Status TurnLoop::load(const Expected& expected, const redis::Reply& reply) {
  Partition& partition = *partitions_[expected.partition];
  constexpr std::array kLists = {Reply::kSenders, Reply::kAuditHead, Reply::kFirstRetry};
  const bool list = std::find(kLists.begin(), kLists.end(), expected.kind) != kLists.end();
  if (list ? !reply.is_array() : !reply.is_integer())
    return Error{Errc::kProtocol, key_of(partition, expected.kind) + ": Redis gave an answer of another type"};
  if (expected.kind == Reply::kEpoch) {
    partition.epoch_number = static_cast<uint64_t>(reply.integer);
    partition.epoch = std::to_string(reply.integer);
    losses_.compare(partition.number, Losses::kEpoch, partition.epoch_number);
    keep_oversized(partition);
    return {};
  }
  if (expected.kind == Reply::kIngress || expected.kind == Reply::kArchive) return {};  // its type is right
  if (expected.kind == Reply::kRetryCount) return partition.retries = static_cast<uint64_t>(reply.integer), Status();
  if (expected.kind == Reply::kFirstRetry) return partition.next_retry = first_retry(reply), Status();
  if (expected.kind == Reply::kSenders) {
    std::vector<std::pair<std::string_view, std::string_view>> fields;
    for (size_t i = 0; i + 1 < reply.count; i += 2) fields.emplace_back(reply[i].text, reply[i + 1].text);
    auto status = partition.load_senders(fields, frame_.keys());
    if (status.ok()) compare_sender(partition);
    return status;
  }
  if (reply.count == 0) {
    losses_.compare(partition.number, Losses::kBlock, audit::kFirstBlock);
    return partition.load_audit_head({});
  }
  const redis::Reply& entry = reply[0];
  bool block = entry.is_array() && entry.count == 2 && entry[1].count >= 2 && entry[1][0].text == "b";
  if (!block) return Error{Errc::kMalformed, partition.audit_key + ": the newest entry is no audit block"};
  auto status = partition.load_audit_head(entry[1][1].text, options_.ns);
  if (status.ok()) losses_.compare(partition.number, Losses::kBlock, partition.next_block);
  return status;
}

void TurnLoop::compare_sender(const Partition& partition) {
  const Duration kept = 2 * options_.policy.auth.drift;  // SenderSweep
  const std::string_view field = losses_.sender(partition.number, mono_now(), kept);
  if (!field.empty()) losses_.compare_sender(partition.number, partition.last_of(field));
}

/// What cannot be worked with is not touched, and the partition's memory not trusted; its lease is kept.
void TurnLoop::put_to_rest(Partition& partition, const std::string& why) {
  partition.forget();
  if (auto& peek = peeks_[partition.number]) peek->disarm();
  if (resting_.rest(partition.number, why, mono_now()))
    frame_.log().error("partition_rests", {{"partition", partition.number}, {"why", why}});
}

void TurnLoop::put_to_rest(Partition& partition, std::string_view key, std::string_view error) {
  put_to_rest(partition, std::string(key) + ": " + printable(error, 200) + "; expected " +
                             std::string(partition.expected_at(key)));
}

}  // namespace mas::gateway
