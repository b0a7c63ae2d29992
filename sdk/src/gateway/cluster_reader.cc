// Waking, looking, asking, taking.
#include "sdk/src/gateway/cluster_reader.h"

#include <algorithm>
#include <utility>

#include "sdk/src/gateway/cluster_requests.h"
#include "sdk/src/gateway/read_commands.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr const char* kGroupsGone = "groups of its streams were missing";

// A tag: the partition, and the place of the answer in its request.
constexpr uint64_t kAnswersOfARequest = 64;
constexpr uint64_t kTrialTags = uint64_t{1} << 32;

/// Redis may do tomorrow what it does not do now.
bool passes(const redis::Reply& error) { return errc_retriable(redis::error_of(error).code); }

}  // namespace

ClusterReader::Times::Times(uv_loop_t* loop, ClusterReader& reader)
    : look(loop, [&reader] { reader.on_look_due(); }), rest(loop, [&reader] {
        for (unsigned partition = 0; partition < reader.slots_.size(); ++partition) {
          if (!reader.slots_[partition].inbox.resting()) continue;
          reader.slots_[partition].inbox.rested();
          reader.queue(partition);
        }
        reader.pump();
      }) {}

ClusterReader::ClusterReader(ModeHost& host, Deliveries& deliveries, DedupeWindow& dedupe)
    : host_(host),
      deliveries_(deliveries),
      held_(host, deliveries, streams_, [this](const std::optional<Error>& refusal) { on_acks(refusal); }),
      intake_(host, deliveries, dedupe, held_, streams_),
      others_(host, [this] { claim_everywhere(); }),
      times_(host.loop(), *this) {}

ClusterReader::~ClusterReader() { stop(); }

// ---- Hearing

void ClusterReader::listen(std::function<void(Status)> done) {
  heard_ = std::move(done);
  if (hearing()) return report_opened(Status());
  if (state_.is(State::kOff)) begin();
  advance();
}

void ClusterReader::report_opened(const Status& heard) {
  if (heard_) std::exchange(heard_, nullptr)(heard);
}

void ClusterReader::begin() {
  state_.to(State::kDeaf);
  const AgentContext& agent = host_.context();
  slots_.clear();
  fit();
  channel_ = agent.keys.wake_channel(agent.config.id);
  hub_ = host_.runtime().hub(*agent.config.endpoint, "libmas:" + agent.config.id);
  hub_->join(*this, channel_);
}

void ClusterReader::prepared(const GatewaySetup& setup) {
  partitions_ = std::max(partitions_, setup.partitions);
  const bool more = slots_.size() < partitions_;
  if (state_.is(State::kOff) || !more) return;
  fit();
  look_everywhere();
}

void ClusterReader::fit() {
  streams_ = gateway_streams(host_.context(), partitions_);
  slots_.resize(partitions_);
}

void ClusterReader::end() {
  if (hub_ != nullptr) hub_->leave(*this, channel_);
  hub_.reset();
  host_.commands().forget(this);
  others_.forget();
  times_.look.stop();
  times_.rest.stop();
  queue_.clear();
  reserved_ = 0;
  trial_ = {};
  trouble_ = {};
  heard_ = nullptr;
  if (!state_.is(State::kOff)) state_.to(State::kOff);
}

void ClusterReader::on_hearing() {
  advance();
  look_everywhere();
}

/// On the way to hearing.
void ClusterReader::advance() {
  if (!state_.is(State::kDeaf) || !heard_ || !hub_->serves(channel_)) return;
  if (!trial_.passed) return try_rights();
  state_.to(State::kHearing);
  report_opened(Status());
}

void ClusterReader::report_receiving_lost(const Error& why) {
  if (state_.is(State::kOff)) return;
  const bool heard = hearing();
  if (!state_.is(State::kDeaf)) state_.to(State::kDeaf);
  trouble_.refusal.reset();
  if (heard_) return report_opened(why);
  if (heard) host_.on_receiving_lost(why);
}

/// Everything that reading takes, in the slot of one partition, of entries that cannot be there.
void ClusterReader::try_rights() {
  state_.to(State::kTrying);
  const AgentContext& agent = host_.context();
  const redis::Command command = rights_trial(agent, streams_of(partition_of(agent.config.id, partitions_)));
  trial_ = {};
  if (auto sent =
          host_.commands().send(command, redis::reply_to<&ClusterReader::on_reply>(this, kTrialTags), kPatience))
    trial_.due = command.count();
  else
    report_receiving_lost(sent.error().in("reading"));
}

void ClusterReader::on_trial(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kTrying)) return;
  if (!answer) return report_receiving_lost(answer.error().in("reading"));
  const redis::Reply& reply = **answer;
  if (reply.is_error() && tag == 0) {
    const auto after = host_.context().functions.on_error(reply);
    trial_.again = after == ServerFunctions::After::kAgain;
    if (after == ServerFunctions::After::kRefused) trial_.refusal = redis::error_of(reply);
  } else if (tag == 0) {
    for (const auto& result : reply)
      if (result.is_error() && !group_gone(result)) trial_.refusal = redis::error_of(result);
  } else if (reply.is_error() && !stream_missing(reply)) {
    trial_.refusal = redis::error_of(reply);
  }
  if (--trial_.due > 0) return;
  if (trial_.refusal) return report_receiving_lost(trial_.refusal->in("reading"));
  state_.to(State::kDeaf);
  trial_.passed = !trial_.again;
  advance();
}

void ClusterReader::up() {
  if (state_.is(State::kHearing)) state_.to(State::kReading);
  held_.send_acks();
  look_everywhere();
  survey();
}

void ClusterReader::on_lease() {
  for (unsigned partition = 0; partition < slots_.size(); ++partition)
    if (slots_[partition].inbox.groups()[0])
      static_cast<void>(host_.commands().send(
          redis::Command("PEXPIRE", streams_of(partition)[0], to_millis(kReplyStreamTtl)), redis::ReplyTo{}));
  if (state_.is(State::kReading)) {
    const MonoTime now = mono_now();
    const bool alone = !others_.any();
    if (!alone || now - times_.checked >= kAlone) check_others();
    if (trouble_.told_missing || now - times_.surveyed >= kSurvey) survey();
  }
  on_handled();
}

void ClusterReader::on_handled() {
  held_.send_acks();
  pump();
}

void ClusterReader::on_acks(const std::optional<Error>& refusal) {
  if (refusal && !errc_retriable(refusal->code) && hearing()) return report_receiving_lost(*refusal);
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    if (!std::exchange(slots_[partition].claim_when_acked, false)) continue;
    slots_[partition].inbox.claim();
    queue(partition);
  }
  pump();
}

// ---- What is wanted

/// A number that is too large may be of partitions that were added.
void ClusterReader::on_payload(std::string_view payload) {
  if (!decode_wake_ups(payload, woken_)) return look_soon();
  for (const WakeUp& one : woken_) {
    times_.partitions_missed = times_.partitions_missed || one.partition >= slots_.size();
    if (one.partition >= slots_.size()) continue;
    if (!one.instance.empty() && one.instance != host_.context().instance()) continue;
    slots_[one.partition].inbox.wake(one.instance.empty() ? stream_of_lane(0, one.lane) : 0);
    queue(one.partition);
  }
  pump();
}

void ClusterReader::look_everywhere() {
  if (state_.is(State::kOff)) return;
  times_.looked = mono_now();
  times_.period = kFirstLook;
  times_.look.once(times_.period);
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    slots_[partition].inbox.look();
    queue(partition);
  }
  pump();
}

/// Whoever may publish wake-ups cannot make it look all the time.
void ClusterReader::look_soon() {
  if (state_.is(State::kOff)) return;
  if (mono_now() - times_.looked >= kFirstLook) return look_everywhere();
  times_.period = kFirstLook / 2;
  times_.look.once(kFirstLook);
}

void ClusterReader::on_look_due() {
  const unsigned dearer = std::max(1u, static_cast<unsigned>(slots_.size()) / kPartitionsOfALook);
  const Duration longest = std::min(kLongestLook * dearer, kRarestLook);
  const Duration next = std::min(times_.period * 2, longest);
  look_everywhere();
  times_.period = next;
  times_.look.once(next);
}

/// Consumers that nobody has noted are found by claims, also by those that claim nothing.
void ClusterReader::survey() {
  times_.surveyed = mono_now();
  times_.partitions_missed = true;
  others_.begin_anew();
  check_others();
  claim_everywhere();
}

void ClusterReader::check_others() {
  times_.checked = mono_now();
  others_.check();
}

void ClusterReader::claim_everywhere() {
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    slots_[partition].inbox.claim();
    queue(partition);
  }
  pump();
}

void ClusterReader::queue(unsigned partition) {
  if (!std::exchange(slots_[partition].queued, true)) queue_.push_back(partition);
}

// ---- One request of each partition at a time

/// What cannot be asked now stays in the queue.
void ClusterReader::pump() {
  if (!state_.is(State::kReading)) return;
  for (size_t left = queue_.size(); left > 0; --left) {
    const unsigned partition = queue_.front();
    queue_.pop_front();
    slots_[partition].queued = false;
    if (!ask(partition)) queue(partition);
  }
}

/// @return false: it has something to ask, but not now.
bool ClusterReader::ask(unsigned partition) {
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
  held_.let_go(first_stream_of(partition), kInboxStreams);
  const std::vector<std::string> dead = wanted.claim.any() ? others_.dead() : std::vector<std::string>();
  const redis::Command command = inbox_request(agent, streams_of(partition), slot.inbox, wanted, slot.entries, dead);
  slot.inbox.asked(wanted);
  slot.lost = slot.executed = false;
  const uint64_t tag = partition * kAnswersOfARequest;
  if (!host_.commands().send(command, redis::reply_to<&ClusterReader::on_reply>(this, tag), kPatience)) {
    slot.inbox.lost(false);
    times_.rest.once(kRest);
    return true;
  }
  slot.due = command.count();
  reserved_ += slot.reserved;
  return true;
}

std::span<const std::string> ClusterReader::streams_of(unsigned partition) const {
  return std::span(streams_).subspan(first_stream_of(partition), kInboxStreams);
}

void ClusterReader::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (tag >= kTrialTags) return on_trial(tag - kTrialTags, answer);
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

void ClusterReader::end_request(unsigned partition) {
  Slot& slot = slots_[partition];
  reserved_ -= std::exchange(slot.reserved, 0);
  if (slot.lost) {
    slot.inbox.lost(slot.executed);
    if (!times_.rest.armed()) times_.rest.once(kRest);
  } else {
    slot.inbox.ended();
  }
  queue(partition);
  if (!trouble_.lost.empty()) host_.lost_data(std::exchange(trouble_.lost, {}));
  if (auto refusal = std::exchange(trouble_.refusal, std::nullopt)) return report_receiving_lost(*refusal);
  pump();
}

// ---- Answers

void ClusterReader::took(unsigned partition, size_t index, const redis::Reply& reply) {
  Slot& slot = slots_[partition];
  const PartitionInbox::Ask& asked = slot.inbox.under_way();
  const Part part = part_of(asked, index);
  if (part.kind == Part::Kind::kMakeGroup) {
    const bool was_there = reply.is_error() && reply.error_code() == "BUSYGROUP";
    if (reply.is_error() && !was_there && !stream_missing(reply)) return refused(partition, {}, reply);
    if (!was_there && slot.inbox.missed(part.place)) lost(partition, part.place);
    if (reply.is_error() && !was_there) return;
    slot.inbox.made(part.place);
    if (part.place > 0) slot.inbox.claim();
  } else if (part.kind == Part::Kind::kClaim) {
    reply.is_error() ? claim_refused(partition, reply) : took_claims(partition, reply);
  } else if (reply.is_error()) {
    refused(partition, part.streams, reply);
  } else if (part.kind == Part::Kind::kProbe) {
    if (reply.integer > 0) slot.inbox.exist();
  } else {
    took_read(partition, reply);
  }
}

void ClusterReader::took_read(unsigned partition, const redis::Reply& streams) {
  Slot& slot = slots_[partition];
  trouble_.told_gone = false;
  if (!streams.is_array()) return;  // nothing new
  const PartitionInbox::Ask& asked = slot.inbox.under_way();
  const auto names = streams_of(partition);
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

void ClusterReader::took_claims(unsigned partition, const redis::Reply& reply) {
  Slot& slot = slots_[partition];
  trouble_.told_missing = false;
  trouble_.lost = intake_.compare_progress(reply, partition);
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

/// A group that is gone is made again; what may pass is asked for again; anything else makes deaf.
void ClusterReader::refused(unsigned partition, StreamSet streams, const redis::Reply& error) {
  Slot& slot = slots_[partition];
  if (group_gone(error)) {
    slot.inbox.groups_gone(streams);
  } else if (passes(error)) {
    slot.lost = true;
  } else {
    trouble_.refusal = redis::error_of(error).in("reading");
  }
}

/// The stream, or its group, was there and is not. A reply stream expires when the agent was away.
void ClusterReader::lost(unsigned partition, size_t place) {
  intake_.forget_progress(first_stream_of(partition) + place);
  if (place > 0 && !std::exchange(trouble_.told_gone, true)) trouble_.lost = kGroupsGone;
}

void ClusterReader::claim_refused(unsigned partition, const redis::Reply& error) {
  using After = ServerFunctions::After;
  Slot& slot = slots_[partition];
  if (passes(error)) {
    slot.lost = slot.executed = true;
    return;
  }
  const After after = host_.context().functions.on_error(error);
  if (after == After::kAgain) slot.inbox.claim();
  if (after == After::kMissing && !std::exchange(trouble_.told_missing, true))
    host_.context().debug("claiming nothing for now: " + ServerFunctions::missing().message);
  if (after == After::kRefused) trouble_.refusal = redis::error_of(error).in("claiming");
}

// ---- The end

/// What is under way may bring entries to the old name: they are claimed as a dead instance's.
void ClusterReader::renamed(const std::string& before) {
  const AgentContext& agent = host_.context();
  const std::vector<Slot> slots = std::exchange(slots_, {});
  end();
  held_.keep();
  for (unsigned partition = 0; partition < slots.size(); ++partition)
    if (slots[partition].inbox.groups()[0])
      static_cast<void>(host_.commands().send(
          redis::Command("DEL", agent.keys.reply_inbox(agent.config.id, before, partition)), redis::ReplyTo{}));
}

void ClusterReader::stop() {
  end();
  held_.stop();
}

/// Reads nothing. The reply streams would expire, too.
void ClusterReader::say_farewell() {
  for (unsigned partition = 0; partition < slots_.size(); ++partition) {
    const StreamSet groups = slots_[partition].inbox.groups();
    if (groups.none()) continue;
    const redis::Command farewell = inbox_farewell(host_.context(), streams_of(partition), groups);
    static_cast<void>(host_.commands().send(farewell, redis::ReplyTo{}));
  }
}

}  // namespace mas::sdk
