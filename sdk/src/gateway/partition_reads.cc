// Asking, and taking the answers.
#include "sdk/src/gateway/partition_reads.h"

#include <algorithm>
#include <utility>

#include "sdk/src/gateway/cluster_requests.h"
#include "sdk/src/gateway/read_commands.h"

namespace mas::sdk {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);

// A tag: the partition, and the place of the answer in its request.
constexpr uint64_t kAnswersOfARequest = 64;

/// Redis may do tomorrow what it does not do now.
bool passes(const redis::Reply& error) { return errc_retriable(redis::error_of(error).code); }

}  // namespace

PartitionReads::PartitionReads(const Parts& parts, std::function<void(const Error&)> refused)
    : host_(parts.host),
      deliveries_(parts.deliveries),
      held_(parts.held),
      others_(parts.others),
      listening_(parts.listening),
      streams_(parts.streams),
      refused_(std::move(refused)),
      intake_(parts.host, parts.deliveries, parts.dedupe, parts.held, parts.streams),
      notices_(parts.host),
      rest_(parts.host.loop(), [this] { on_rested(); }) {}

void PartitionReads::stop() {
  host_.commands().forget(this);
  rest_.stop();
  queue_.clear();
  reserved_ = 0;
  refusal_.reset();
}

// ---- What is wanted

void PartitionReads::wake(unsigned partition, size_t place) {
  slots_[partition].inbox.wake(place);
  queue(partition);
}

void PartitionReads::want_everywhere(void (PartitionInbox::*want)()) {
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    (slots_[partition].inbox.*want)();
    queue(partition);
  }
  pump();
}

void PartitionReads::claim_what_waited() {
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    if (!std::exchange(slots_[partition].claim_when_acked, false)) continue;
    slots_[partition].inbox.claim();
    queue(partition);
  }
  pump();
}

void PartitionReads::on_rested() {
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    if (!slots_[partition].inbox.resting()) continue;
    slots_[partition].inbox.rested();
    queue(partition);
  }
  pump();
}

void PartitionReads::queue(unsigned partition) {
  if (!std::exchange(slots_[partition].queued, true)) queue_.push_back(partition);
}

// ---- One request of each partition at a time

/// What cannot be asked now stays in the queue.
void PartitionReads::pump() {
  if (!listening_.up()) return;
  for (size_t left = queue_.size(); left > 0; --left) {
    const unsigned partition = queue_.front();
    queue_.pop_front();
    slots_[partition].queued = false;
    if (!ask(partition)) queue(partition);
  }
}

/// @return false: it has something to ask, but not now.
bool PartitionReads::ask(unsigned partition) {
  using May = PartitionInbox::May;
  Slot& slot = slots_[partition];
  const AgentContext& agent = host_.context();
  const May may = !agent.lease.holds(mono_now()) ? May::kNothing
                  : deliveries_.full()           ? May::kReplies
                                                 : May::kEverything;
  const PartitionInbox::Ask wanted = slot.inbox.next(may);
  if (!wanted.any()) return !slot.inbox.next(May::kEverything).any();
  const size_t streams = wanted.claim.any() ? kLanes.size() : wanted.reads();
  const bool bounded = streams > 0 && may == May::kEverything;
  if (bounded && reserved_ > 0 && reserved_ >= room_for_entries(agent, deliveries_)) return false;
  // Half of the room, so that other partitions have some at the same time.
  slot.entries = bounded ? entries_at_once(agent, deliveries_, 2 * streams, reserved_) : kMaxEntries;
  slot.reserved = bounded ? slot.entries * streams : 0;
  const size_t first = first_stream_of(partition);
  held_.let_go(first, kInboxStreams);
  if (wanted.strays.any()) {
    slot.entries = 0;
    for (size_t place = 0; place < kInboxStreams; ++place) slot.entries += held_.count(first + place);
  }
  const std::vector<std::string> dead = wanted.claim.any() ? others_.dead() : std::vector<std::string>();
  const redis::Command command =
      inbox_request(agent, streams_of(streams_, partition), slot.inbox, wanted, slot.entries, dead);
  slot.inbox.asked(wanted);
  slot.lost = slot.executed = false;
  const uint64_t tag = partition * kAnswersOfARequest;
  if (!host_.commands().send(command, redis::reply_to<&PartitionReads::on_reply>(this, tag), kPatience)) {
    slot.inbox.lost(false);
    rest_.once(kRest);
    return true;
  }
  slot.due = command.count();
  reserved_ += slot.reserved;
  return true;
}

void PartitionReads::on_reply(uint64_t tag, const redis::Answer& answer) {
  const auto partition = static_cast<unsigned>(tag / kAnswersOfARequest);
  Slot& slot = slots_[partition];
  if (answer) {
    took(partition, tag % kAnswersOfARequest, **answer);
  } else {
    slot.lost = true;
    slot.executed = slot.executed || answer.error().code != Errc::kUnreachable;
  }
  if (--slot.due == 0) end_request(partition);
}

void PartitionReads::end_request(unsigned partition) {
  Slot& slot = slots_[partition];
  reserved_ -= std::exchange(slot.reserved, 0);
  if (slot.lost) {
    slot.inbox.lost(slot.executed);
    if (!rest_.armed()) rest_.once(kRest);
  } else {
    slot.inbox.ended();
  }
  queue(partition);
  notices_.tell_losses();
  if (auto refusal = std::exchange(refusal_, std::nullopt)) return refused_(*refusal);
  pump();
}

// ---- Answers

void PartitionReads::took(unsigned partition, size_t index, const redis::Reply& reply) {
  Slot& slot = slots_[partition];
  const PartitionInbox::Ask& asked = slot.inbox.under_way();
  const Part part = part_of(asked, index);
  if (part.kind == Part::Kind::kMakeGroup) {
    const bool was_there = reply.is_error() && reply.error_code() == "BUSYGROUP";
    if (reply.is_error() && !was_there && !stream_missing(reply)) return refused(partition, {}, reply);
    if (!was_there && slot.inbox.missed(part.place)) group_lost(partition, part.place);
    if (reply.is_error() && !was_there) return;
    slot.inbox.made(part.place);
    if (part.place > 0) slot.inbox.claim();
  } else if (part.kind == Part::Kind::kClaim) {
    reply.is_error() ? claim_refused(partition, reply) : took_claims(partition, reply);
  } else if (reply.is_error()) {
    refused(partition, part.streams, reply);
  } else if (part.kind == Part::Kind::kStrays) {
    if (held_.lacks_any(first_stream_of(partition) + part.place, reply)) slot.inbox.strayed(part.place);
  } else if (part.kind == Part::Kind::kProbe) {
    if (reply.integer > 0) slot.inbox.exist();
  } else {
    took_read(partition, reply);
  }
}

void PartitionReads::took_read(unsigned partition, const redis::Reply& streams) {
  Slot& slot = slots_[partition];
  notices_.groups_there();
  if (!streams.is_array()) return;  // nothing new
  const PartitionInbox::Ask& asked = slot.inbox.under_way();
  const auto names = streams_of(streams_, partition);
  for (const auto& stream : streams) {
    if (stream.count != 2) continue;
    const auto name = std::find(names.begin(), names.end(), stream[0].text);
    if (name == names.end()) continue;
    const auto place = static_cast<size_t>(name - names.begin());
    const bool own = asked.own[place] || (asked.make[place] && slot.inbox.reads_own(place));
    const redis::Reply& entries = stream[1];
    for (const auto& entry : entries) intake_.take(first_stream_of(partition) + place, entry);
    const redis::Reply* last = entries.count == 0 ? nullptr : &entries[entries.count - 1];
    if (own && (last == nullptr || last->count == 0)) {
      slot.inbox.no_more_own(place);
    } else if (own) {
      slot.inbox.took_own(place, std::string((*last)[0].text));
    } else if (entries.count >= slot.entries) {
      slot.inbox.more(place);
    }
  }
}

void PartitionReads::took_claims(unsigned partition, const redis::Reply& reply) {
  Slot& slot = slots_[partition];
  notices_.claimed();
  notices_.went_back(intake_.compare_progress(reply, partition));
  for (size_t i = 0; i < reply.count && i < kLanes.size(); ++i) {
    const redis::Reply& result = reply[i];
    const size_t place = i + 1;
    if (result.is_error()) {
      refused(partition, StreamSet().set(place), result);
      continue;
    }
    if (!result.is_array() || result.count != 5) continue;
    for (const auto& entry : result[0]) intake_.take(first_stream_of(partition) + place, entry, &result[1]);
    if (slot.entries > 0 && result[0].count >= slot.entries) slot.inbox.claim();
    if (result[2].integer != 0) slot.claim_when_acked = true;
    for (const auto& name : result[4]) others_.note(name.text);
  }
}

/// A group that is gone is made again; what may pass is asked for again; anything else is a refusal.
void PartitionReads::refused(unsigned partition, StreamSet streams, const redis::Reply& error) {
  Slot& slot = slots_[partition];
  if (group_gone(error)) {
    slot.inbox.groups_gone(streams);
  } else if (passes(error)) {
    slot.lost = true;
  } else {
    refusal_ = redis::error_of(error).in("reading");
  }
}

/// The stream, or its group, was there and is not. A reply stream expires when the agent was away.
void PartitionReads::group_lost(unsigned partition, size_t place) {
  intake_.forget_progress(first_stream_of(partition) + place);
  if (place > 0) notices_.groups_gone();
}

void PartitionReads::claim_refused(unsigned partition, const redis::Reply& error) {
  using After = ServerFunctions::After;
  Slot& slot = slots_[partition];
  if (passes(error)) {
    slot.lost = slot.executed = true;
    return;
  }
  const After after = notices_.claim_failed(error);
  if (after == After::kAgain) slot.inbox.claim();
  if (after == After::kRefused) refusal_ = redis::error_of(error).in("claiming");
}

}  // namespace mas::sdk
