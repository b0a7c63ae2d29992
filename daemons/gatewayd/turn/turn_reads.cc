// What is read of the lists, and how much at once: a read is bounded by what lies there, not by what lay there before.
//
// Redis tells the size of a list without touching what is in it (MEMORY USAGE), with each read and each peek for the next
// one. While all lists together are small, they are read as they come. Where they are not, those that are large are
// weighed first (list_weight.h): one more round trip, and a read takes what fits. So an element that is too large comes
// to lie at the head of its list, where its length is read and its content is not; in the turn it is a stub with its
// first bytes, which is set aside like anything else that is no frame.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "daemons/gatewayd/turn/redis_words.h"
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {
namespace {

constexpr size_t kMostElements = 512;  // of one partition in one read
static_assert(kMostElements == ListWeight::kMostElements);

}  // namespace

void TurnLoop::read() {
  state_.to(State::kWorking);
  if (Partition* partition = in_doubt()) return try_alone(*partition);
  if (must_weigh()) return weigh();
  redis::Command command;
  ask_elements(command);
  send(std::move(command), Ends::kRead);
}

/// The next turn, while this one is decided and the one before committed. Not when something is due to be delivered again,
/// which is asked for only with no turn in hand (it may be due in that one, too), when facts are to be forgotten, which
/// needs a time without turns, or when lists have to be weighed, which says what lies at their heads.
void TurnLoop::read_ahead() {
  if (read_ != Read::kNone || turn_over() || crowded() || trial_ || must_weigh()) return;
  for (const auto& partition : partitions_)
    if (taken_[partition->number] && partition->next_retry <= redis_now()) return;
  redis::Command command;
  ask_elements(command);
  stats_.read_ahead.add();
  send(std::move(command), Ends::kRead);
}

/// Elements of turns that are committed before, or in the same write, are gone by then; those in hand are passed over.
void TurnLoop::ask_elements(redis::Command& command) {
  command.add("TIME");
  expect(Reply::kTime);
  ++first_asked_;
  const bool in_hand = !stage_.is(Stage::kNone);
  for (size_t i = 0; i < partitions_.size(); ++i) {
    Partition& partition = *partitions_[(first_asked_ + i) % partitions_.size()];
    if (!taken_[partition.number] || partition.epoch.empty()) continue;
    const size_t first = in_hand ? batch_.elements_of(partition.number) : 0;
    const size_t count = std::min(elements_to_ask(partition), std::exchange(partition.fits, Partition::kAnyNumber));
    if (count > 0) {
      command.add("LRANGE", partition.ingress_key, first, first + count - 1);
      expect(Reply::kElements, partition.number);
    }
    if (partition.list_bytes > 0) {
      command.add("MEMORY", "USAGE", partition.ingress_key, "SAMPLES", kMostElements);
      expect(Reply::kListBytes, partition.number);
    }
    if (!in_hand && partition.next_retry <= redis_now()) ask_due(command, partition);
  }
  active_before_ = std::exchange(active_partitions_, 0);  // counted anew as they answer
  read_ = Read::kAsked;
  read_began_ = mono_now();
}

bool TurnLoop::crowded() const { return facts_.size() > options_.cached_agents || decider_.crowded(); }

size_t TurnLoop::elements_to_ask(const Partition& partition) const {
  const size_t active = std::max<size_t>({active_partitions_, active_before_, 1});
  auto messages = static_cast<double>(std::min(options_.messages / active, kPartitionMessages));
  auto bytes = static_cast<double>(std::min(options_.bytes / active, kPartitionBytes));
  double share = std::min(messages / partition.mean_element_records, bytes / partition.mean_element_bytes);
  return std::clamp<size_t>(static_cast<size_t>(share), 1, kMostElements);
}

void TurnLoop::take_elements(Partition& partition, const redis::Reply& reply) {
  if (reply.is_error()) {
    const bool alone = stage_.is(Stage::kNone) && !committing_;  // else fencing comes by it again
    if (alone && is_the_keys(reply.text)) return put_to_rest(partition, partition.ingress_key, reply.text);
    return drop_turn("ingress_unreadable", partition.ingress_key + ": " + std::string(reply.text), kLongPause);
  }
  if (!reply.is_array() || reply.count == 0 || !owned_[partition.number]) return;
  ++active_partitions_;
  partition.list_bytes = std::max<uint64_t>(partition.list_bytes, 1);  // so that it is asked for
  for (const auto& element : reply) {
    constexpr double kWeight = 1.0 / 16;
    partition.mean_element_bytes += (static_cast<double>(element.text.size()) - partition.mean_element_bytes) * kWeight;
    batch_.append(partition.number, element.text);
  }
}

// ---- Large lists and elements

size_t TurnLoop::share() const {
  size_t large = 0;
  for (const auto& partition : partitions_) large += partition->list_bytes > 0 ? 1 : 0;
  return std::min(options_.bytes / std::max<size_t>(large, 1), kPartitionBytes);
}

/// Whether the lists may hold more than a read should bring.
bool TurnLoop::must_weigh() const {
  uint64_t bytes = 0;
  for (const auto& partition : partitions_)
    if (taken_[partition->number]) bytes += partition->list_bytes;
  return bytes > TurnOptions::kWholeReads * options_.bytes || !oversized_.empty();
}

void TurnLoop::weigh() {
  redis::Command command;
  for (const auto& partition : partitions_) {
    const unsigned p = partition->number;
    auto found = oversized_.find(p);
    const bool suspect = found != oversized_.end();
    if (!taken_[p] || partition->epoch.empty() || (partition->list_bytes <= share() && !suspect)) continue;
    if (suspect && found->second.bytes > 0) continue;  // it is known, and taken alone
    partition->weight = {};
    command.add("LRANGE", partition->ingress_key, 0, 0);
    expect(Reply::kHead, p);
    for (size_t samples : ListWeight::kSamples) {
      command.add("MEMORY", "USAGE", partition->ingress_key, "SAMPLES", samples);
      expect(Reply::kWeight, p);
    }
  }
  if (command.count() == 0) return read_weighed();
  send(std::move(command), Ends::kWeights);
}

void TurnLoop::take_weight(const Expected& expected, const redis::Reply& reply) {
  Partition& partition = *partitions_[expected.partition];
  if (expected.kind == Reply::kWeight) return partition.weight.add(reply.is_integer() ? reply.integer : 0);
  if (reply.is_error()) return take_elements(partition, reply);
  if (reply.is_array() && reply.count == 1) partition.weight.set_head(reply[0].text.size());
}

/// One list after another until the turn is full, so that many large heads are not read at once either.
void TurnLoop::read_weighed() {
  size_t left = options_.bytes;
  for (size_t i = 0; i < partitions_.size(); ++i) {
    Partition& partition = *partitions_[(first_asked_ + 1 + i) % partitions_.size()];
    if (auto found = oversized_.find(partition.number); found != oversized_.end()) {
      if (found->second.bytes > 0)
        partition.fits = 0;
      else if (partition.weight.total() <= share())
        oversized_.erase(found);  // it is gone
    }
    if (!partition.weight.known()) continue;
    partition.fits = left == 0 ? 0 : partition.weight.fitting(std::min(left, share()));
    left -= std::min(left, partition.fits == 0 ? 0 : partition.weight.bytes_of(partition.fits));
    partition.weight = {};
  }
  redis::Command command;
  ask_elements(command);
  send(std::move(command), Ends::kRead);
}

/// Without it nothing bounds a read.
void TurnLoop::take_list_bytes(Partition& partition, const redis::Reply& reply) {
  if (reply.is_error()) return drop_turn("list_not_weighed", "MEMORY USAGE: " + std::string(reply.text), kLongPause);
  if (!partition.epoch.empty()) partition.list_bytes = reply.is_integer() ? static_cast<uint64_t>(reply.integer) : 0;
}

/// Why there is no answer: the link is gone, or (then it goes, too) the reply has a text that is too large.
void TurnLoop::unanswered(const Error& why) {
  if (why.code != Errc::kTooLarge || expected_.empty()) return drop_turn("redis_lost", why.message, kShortPause);
  const auto [kind, p, ends] = expected_.front();
  constexpr std::array kOwn = {Reply::kSenders, Reply::kAuditHead, Reply::kFirstRetry, Reply::kDue, Reply::kNextDue};
  if (kind == Reply::kElements) {
    oversized_.try_emplace(p);
  } else if (kind == Reply::kHead) {
    oversized_[p] = {partitions_[p]->epoch_number, connection_.oversized().bytes, connection_.oversized().head};
  } else if (std::find(kOwn.begin(), kOwn.end(), kind) != kOwn.end()) {
    put_to_rest(*partitions_[p], key_of(*partitions_[p], kind) + ": " + why.message);
  } else {
    return drop_turn("redis_lost", why.message, kShortPause);
  }
  link_given_up_ = true;
  drop_turn("value_too_large", key_of(*partitions_[p], kind) + ": " + why.message, kShortPause);
}

/// Nobody else has fenced the partition since its head was seen, so it still is the head.
void TurnLoop::keep_oversized(const Partition& partition) {
  auto found = oversized_.find(partition.number);
  if (found == oversized_.end() || found->second.bytes == 0) return;
  if (partition.epoch_number == found->second.epoch + 1)
    found->second.epoch = partition.epoch_number;
  else
    found->second = {};
}

void TurnLoop::append_oversized() {
  for (const auto& [p, element] : oversized_)
    if (element.bytes > 0 && owned_[p] && !partitions_[p]->epoch.empty())
      batch_.append_oversized(p, element.bytes, element.head);
}

/// What the committed turn has set aside is done with. Where one was, others may be: the list is weighed until it is small.
void TurnLoop::forget_oversized() {
  for (auto& [p, element] : oversized_) {
    if (element.bytes == 0 || batch_.elements_of(p) == 0) continue;
    tell_set_aside(*partitions_[p], "it has " + std::to_string(element.bytes) + " bytes");
    element = {};
  }
}

}  // namespace mas::gateway
