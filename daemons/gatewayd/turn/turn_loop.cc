// The loop's flow: settings, between turns, read, the turn in hand, replies, what goes wrong. turn_fence.cc has what comes
// before, turn_commit.cc what comes after.
#include "daemons/gatewayd/turn/turn_loop.h"

#include <algorithm>
#include <utility>

#include "proto/base/ids.h"
#include "proto/redis/reply_values.h"
#include "proto/wire/events.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;
using State = TurnLoop::State;
using Stage = TurnLoop::Stage;

constexpr auto kMoves = transitions<State>({{State::kDown, State::kFencing},
                                            {State::kDown, State::kWorking},
                                            {State::kDown, State::kWaiting},
                                            {State::kDown, State::kDrained},
                                            {State::kFencing, State::kFencing},  // another partition was gained
                                            {State::kFencing, State::kWorking},
                                            {State::kFencing, State::kWaiting},
                                            {State::kFencing, State::kDown},
                                            {State::kFencing, State::kDrained},
                                            {State::kWorking, State::kWorking},  // what was read is not taken
                                            {State::kWorking, State::kFencing},
                                            {State::kWorking, State::kWaiting},
                                            {State::kWorking, State::kDown},
                                            {State::kWorking, State::kDrained},
                                            {State::kWaiting, State::kWorking},
                                            {State::kWaiting, State::kFencing},
                                            {State::kWaiting, State::kDown},
                                            {State::kWaiting, State::kDrained}});

constexpr auto kStages = transitions<Stage>({{Stage::kNone, Stage::kDecoding},
                                             {Stage::kDecoding, Stage::kFetching},
                                             {Stage::kFetching, Stage::kDeciding},
                                             {Stage::kDeciding, Stage::kDecided},
                                             {Stage::kDecided, Stage::kNone},
                                             // dropped
                                             {Stage::kNone, Stage::kNone},
                                             {Stage::kDecoding, Stage::kNone},
                                             {Stage::kFetching, Stage::kNone},
                                             {Stage::kDeciding, Stage::kNone}});

constexpr size_t kLargeTurn = 1000;  // messages; deciding them takes longer than reading ahead costs
constexpr size_t kLargeShare = 16;   // or a turn that has this share of the bound
constexpr size_t kLeastReplyBytes = 256u * 1024 * 1024;  // what is known of a partition's senders comes in one reply
constexpr Duration kShortestSweep = 1s, kLongestSweep = 60s;  // between, the drift

redis::ConnectionOptions with_room(redis::ConnectionOptions options, const TurnOptions& turn) {
  options.max_outgoing_bytes = 512u * 1024 * 1024;  // a turn is bounded; one large envelope is written several times
  options.reply_limits.text_bytes = turn.element_bytes();
  options.reply_limits.reply_bytes =
      std::max(kLeastReplyBytes, TurnOptions::kWholeReads * turn.bytes + turn.element_bytes());
  return options;
}

}  // namespace

TurnLoop::TurnLoop(common::Frame& frame, TurnOptions options, const MasterKey* master, const TicketOffice& tickets,
                   const HmacKey& payload_key)
    : frame_(frame),
      options_(std::move(options)),
      state_(State::kDown, kMoves),
      stage_(Stage::kNone, kStages),
      facts_(frame.keys()),
      decider_(frame.keys(), options_.ns, facts_, tickets, payload_key),
      batch_(options_.max_envelope, options_.bytes),
      stats_(frame.metrics()),
      connection_(frame.loop(), with_room(frame.redis_options("turn"), options_), this),
      invalidation_(frame.loop(), frame.redis_options("invalidation"), *this),
      reader_(connection_, frame.keys(), facts_, master, [this](const Status& status) { on_facts(status); }),
      circuits_(frame, facts_),
      sweep_(frame.redis(), frame.keys()),
      again_(frame.loop(), [this] { advance(); }),
      sweep_timer_(frame.loop(), [this] { sweep(); }),
      slice_(frame.loop(), [this] { work(); }),
      written_(frame.loop(), "after_write"),
      dead_letters_key_(frame.keys().dead_letters()),
      unproven_key_(frame.keys().unproven()) {
  apply_policy(options_.policy, options_.default_limits);
  if (options_.wait_replicas > 0)  // what facts wait behind
    reader_.set_patience(connection_.options().command_timeout + options_.wait_timeout);
}

TurnLoop::~TurnLoop() = default;

void TurnLoop::start() {
  connection_.start();
  invalidation_.start();
  sweep_timer_.every(std::clamp(options_.policy.auth.drift, kShortestSweep, kLongestSweep));
}

// ---- Settings

void TurnLoop::set_policy(const Policy& policy, const LimitSettings& default_limits) {
  changes_.policy.emplace(policy, default_limits);
  change();
}

void TurnLoop::set_dlp(std::unique_ptr<dlp::Stage> stage) {
  changes_.dlp = std::move(stage);
  change();
}

void TurnLoop::set_archive(std::shared_ptr<const archive::Key> key) {
  changes_.archive = std::move(key);
  change();
}

/// While turns are under way, no other begins until it is done.
void TurnLoop::change() {
  if (!state_.is(State::kWorking)) apply_changes();
}

void TurnLoop::apply_changes() {
  Changes changes = std::exchange(changes_, {});
  if (changes.policy) apply_policy(changes.policy->first, changes.policy->second);
  if (changes.dlp) {
    decider_.set_dlp(changes.dlp->get());
    dlp_ = std::move(*changes.dlp);
  }
  if (changes.archive) {
    decider_.set_archive(changes.archive->get());
    archive_ = std::move(*changes.archive);
  }
}

void TurnLoop::apply_policy(const Policy& policy, const LimitSettings& default_limits) {
  options_.policy = policy;
  decider_.set_policy(policy);
  reader_.set_breaker(policy.breaker);
  batch_.look_for_priority_in_data(policy.priority_in_data);
  reader_.set_default_limits(default_limits);
  if (default_limits == options_.default_limits) return;
  options_.default_limits = default_limits;
  facts_.forget_all();  // their limits were read over the old defaults
}

void TurnLoop::set_partitions(size_t count) {
  for (auto p = static_cast<unsigned>(partitions_.size()); p < count; ++p)
    partitions_.push_back(std::make_unique<Partition>(p, frame_.keys()));
  owned_.resize(count);
  taken_.resize(count);
  peeks_.resize(count);
}

void TurnLoop::set_owned(const std::vector<bool>& owned) {
  if (std::exchange(owned_, owned) == owned) return;
  if (state_.is(State::kWaiting) || state_.is(State::kDown)) advance();
}

std::vector<unsigned> TurnLoop::deciding() const {
  std::vector<unsigned> numbers;
  for (const auto& partition : partitions_)
    if (taken_[partition->number] && !partition->epoch.empty()) numbers.push_back(partition->number);
  return numbers;
}

// ---- Between turns

/// Goes on from wherever no turn is under way.
void TurnLoop::advance() {
  again_.stop();
  flush_receipts();
  if (state_.is(State::kDrained)) return;
  if (drained_) {
    state_.to(State::kDrained);
    return std::exchange(drained_, nullptr)();
  }
  if (!connection_.ready() || !invalidation_.hearing()) {
    if (!state_.is(State::kDown)) state_.to(State::kDown);
    return;
  }
  apply_changes();
  take_ownership();
  bool any = false;
  MonoTime now = mono_now();
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || resting_.asleep(partition->number, now)) continue;
    any = true;
    if (partition->epoch.empty()) return fence();
  }
  if (any) return read();
  obstacle_.clear();
  if (!state_.is(State::kWaiting)) state_.to(State::kWaiting);
  sleep_until_due();
}

// ---- Turns

bool TurnLoop::turn_over() const {
  return drained_ || deaf_ || changes_.any() || owned_ != taken_ || !invalidation_.hearing() ||
         resting_.any_due(mono_now());
}

/// Whether refusals that were counted are to be recorded: a turn without elements does that, too.
bool TurnLoop::summaries_due() const {
  if (options_.policy.memory_low) return false;
  return std::any_of(partitions_.begin(), partitions_.end(), [this](const auto& partition) {
    return taken_[partition->number] && !partition->epoch.empty() && partition->summary_due(now_);
  });
}

/// While working: moves each turn into the next place if that is free.
void TurnLoop::go_on() {
  if (deaf_ && !committing_) return drop_turn("invalidations_lost", *std::exchange(deaf_, std::nullopt), kShortPause);
  if (stage_.is(Stage::kDecided) && !committing_ && read_ != Read::kAsked) commit();
  if (!state_.is(State::kWorking) || !stage_.is(Stage::kNone)) return;
  if (committing_ && circuits_.wrote_any()) return;  // who was first with a circuit decides about the next turn
  if (read_ == Read::kHere && !turn_over() && (!batch_.empty() || summaries_due())) return begin_turn();
  if (read_ == Read::kAsked || committing_) return;
  bool nothing_there = read_ == Read::kHere && !turn_over() && !trial_;
  end_trial();
  read_ = Read::kNone;
  return nothing_there ? wait_for_work() : advance();
}

// ---- The turn in hand

void TurnLoop::begin_turn() {
  stage_.to(Stage::kDecoding);
  read_ = Read::kNone;
  turn_began_ = mono_now();
  turn_now_ = now_;
  batch_.begin(options_.messages, options_.bytes);
  work();
}

/// One slice; the first comes at once, so that a small turn waits for nothing.
void TurnLoop::work() {
  if (stage_.is(Stage::kFetching)) return look();
  const MonoTime began = mono_now(), until = began + kSlice;
  const bool decoding = stage_.is(Stage::kDecoding);
  bool done = decoding ? batch_.decode_some(until) : decider_.decide_some(batch_, until);
  if (!decoding && !batch_.frames().empty())
    note_time(batch_.frames()[std::min(decider_.frame_at_hand(), batch_.frames().size() - 1)].partition, began);
  if (!done) return slice_.request();
  if (stage_.is(Stage::kDecoding)) return decoded();
  decided();
}

void TurnLoop::decoded() {
  for (const auto& frame : batch_.frames()) {
    constexpr double kWeight = 1.0 / 16;
    double& mean = partitions_[frame.partition]->mean_element_records;
    mean += (static_cast<double>(std::max<size_t>(frame.count, 1)) - mean) * kWeight;
    if (!frame.fault && test_content(frame.element)) note_time(frame.partition, turn_began_);
  }
  test_hook("after_read");
  if (batch_.messages().size() >= std::min(kLargeTurn, options_.messages / kLargeShare)) {
    flush_receipts();
    read_ahead();
  }
  if (!stage_.is(Stage::kDecoding)) return;  // it could not be asked for, and the turn was dropped
  stage_.to(Stage::kFetching);
  fetch_rounds_ = 0;
  fetch_began_ = mono_now();
  fetch();
}

void TurnLoop::decided() {
  decider_.finish();
  facts_.end_turn();
  test_hook(committing_ ? "after_decide_ahead" : "after_decide");
  stage_over(stats_.decide_seconds, turn_began_);
  stage_.to(Stage::kDecided);
  go_on();
}

void TurnLoop::wait_for_work() {
  obstacle_.clear();  // all lists were read, and nothing waits in them
  state_.to(State::kWaiting);
  flush_receipts();
  sleep_until_due();
  for (const auto& partition : partitions_) {
    if (!taken_[partition->number] || partition->epoch.empty()) continue;
    auto& peek = peeks_[partition->number];
    if (peek == nullptr) {
      PeekListener& listener = *this;
      redis::ConnectionOptions options = frame_.redis_options("peek");
      options.reply_limits = connection_.options().reply_limits;
      peek = std::make_unique<Peek>(frame_.loop(), std::move(options), partition->number, partition->ingress_key,
                                    listener);
    }
    peek->arm();
  }
}

void TurnLoop::on_work(unsigned partition, uint64_t list_bytes, bool too_large) {
  if (!state_.is(State::kWaiting)) return;
  if (list_bytes > 0) partitions_[partition]->list_bytes = list_bytes;
  if (too_large) oversized_.try_emplace(partition);
  advance();
}

// ---- Others

void TurnLoop::sweep() {
  if (frame_.redis_up()) sweep_.start(partitions_, now_, 2 * options_.policy.auth.drift);
}

/// Operators hear of it in the log, on mas.system, in the metrics, and by `masctl doctor` while this gateway runs.
void TurnLoop::tell_losses() {
  std::string found = losses_.take();
  if (found.empty()) return;
  stats_.losses.add();
  lost_ = {wall_now(), std::move(found)};
  frame_.log().error("redis_lost_data", {{"what", lost_.what}});
  const std::string text = "Redis lost data, accepted messages may be gone: " + lost_.what;
  receipts_.add("PUBLISH", frame_.keys().system_channel(), alert_event("gatewayd", text, lost_.at));
}

void TurnLoop::take_time(const redis::Reply& reply) {
  const auto now = redis::time_of(reply);
  if (!now) return drop_turn("time_unreadable", "TIME: " + std::string(reply.text), kLongPause);
  if (now_ != 0) look_for_step(*now - redis_now());
  now_ = *now;
  now_at_ = mono_now();
  batch_.start();
  bound_waits();
}

/// Where no commit follows that they go out with. Whoever misses one asks again.
void TurnLoop::flush_receipts() {
  if (receipts_.count() > 0) static_cast<void>(connection_.send(std::exchange(receipts_, {}), redis::ReplyTo{}));
}

// ---- Replies

bool TurnLoop::send(redis::Command command, Ends group) {
  const size_t count = command.count();
  return send(redis::Rope(command.take_bytes(), count), group);
}

/// @param group that the last of its replies ends.
bool TurnLoop::send(redis::Rope rope, Ends group) {
  expected_.back().ends = group;
  stats_.round_trips.add();
  Duration patience = connection_.options().command_timeout;
  if (options_.wait_replicas > 0) patience += options_.wait_timeout;
  auto status = connection_.send(std::move(rope), redis::reply_to<&TurnLoop::on_reply>(this), patience);
  if (status.ok()) return true;
  drop_turn("redis_unreachable", status.error().message, kShortPause);
  return false;
}

/// Replies of turns that were dropped are forgotten by the connection.
void TurnLoop::on_reply(uint64_t, const redis::Answer& answer) {
  if (!answer.ok()) return unanswered(answer.error());
  const Expected expected = expected_.front();
  expected_.pop_front();
  take(expected, **answer);
  if (expected.ends != Ends::kNothing && !state_.is(State::kDown)) all_replied(expected.ends);
}

void TurnLoop::take(const Expected& expected, const redis::Reply& reply) {
  switch (expected.kind) {
    case Reply::kEpoch:
    case Reply::kIngress:
    case Reply::kSenders:
    case Reply::kArchive:
    case Reply::kAuditHead:
    case Reply::kRetryCount:
    case Reply::kFirstRetry:
      return take_fence(expected, reply);
    case Reply::kPartitions:
      return take_partitions(reply);
    case Reply::kReceipt:
      return;
    case Reply::kLength:
      return CircuitWriter::take_length(sealed_.deliveries[expected.partition], reply);
    case Reply::kCommit:
      return take_commit(reply);
    case Reply::kCircuit:
      return circuits_.take(expected.partition, reply, receipts_);
    case Reply::kWait:
      if (reply.integer >= options_.wait_replicas) return publish_receipts();
      if (repeat_.should_log("replicas", mono_now()))
        frame_.log().warn("replicas_behind", {{"acknowledged", reply.integer}, {"wanted", options_.wait_replicas}});
      return;
    case Reply::kTime:
      return take_time(reply);
    case Reply::kElements:
      return take_elements(*partitions_[expected.partition], reply);
    case Reply::kListBytes:
      return take_list_bytes(*partitions_[expected.partition], reply);
    case Reply::kTrial:
      return take_trial(reply);
    case Reply::kHead:
    case Reply::kWeight:
      return take_weight(expected, reply);
    case Reply::kDue:
      return take_due(*partitions_[expected.partition], reply);
    case Reply::kNextDue:
      return take_next_due(*partitions_[expected.partition], reply);
  }
}

void TurnLoop::all_replied(Ends group) {
  if (group == Ends::kFence) {
    tell_losses();
    return advance();
  }
  if (group == Ends::kWeights) return read_weighed();
  if (group == Ends::kCommit) {
    commit_over();
  } else {
    stage_over(stats_.read_seconds, read_began_);
    read_ = Read::kHere;
    append_oversized();
    if (trial_ && trial_failed_) batch_.give_up();
  }
  go_on();
}

void TurnLoop::stage_over(Histogram& histogram, MonoTime& began) {
  MonoTime now = mono_now();
  histogram.record(static_cast<uint64_t>(std::max<int64_t>((now - began).count(), 0)));
  began = now;
}

// ---- What goes wrong

void TurnLoop::drop_turn(std::string_view event, const std::string& why, Duration pause) {
  connection_.forget(this);
  expected_.clear();
  slice_.cancel();
  stats_.dropped_turns.add((stage_.is(Stage::kNone) ? 0 : 1) + (committing_ ? 1 : 0));
  stage_.to(Stage::kNone);
  read_ = Read::kNone;
  committing_ = false;
  deaf_.reset();
  judge_dropped();
  its_receipts_ = {};
  decider_.dropped(sealed_);
  reader_.cancel();
  sweep_.cancel();
  for (auto& partition : partitions_) partition->forget();
  if (!state_.is(State::kDown)) state_.to(State::kDown);
  obstacle_ = std::string(event) + ": " + why;
  if (repeat_.should_log(obstacle_, mono_now())) frame_.log().warn(event, {{"why", why}});
  again_.once(pause);
}

/// Both links are up, one of them newly so: what is read from now on is tracked. Were this refused, so would each read be.
void TurnLoop::track() {
  facts_.forget_all();
  if (!connection_.ready() || !invalidation_.hearing()) return;
  static_cast<void>(connection_.send(invalidation_.tracking_command(), redis::ReplyTo{}));
}

void TurnLoop::on_ready(redis::Connection&) {
  track();
  if (!std::exchange(link_given_up_, false)) resting_.look_now(mono_now());
  if (state_.is(State::kDown)) advance();
}

void TurnLoop::on_down(redis::Connection&, const Error& why, unsigned) {
  if (state_.is(State::kDrained) || link_given_up_) return;
  // Should it have been the size of what was asked for: one element next time, and more as they prove small.
  for (auto& partition : partitions_) partition->mean_element_bytes = static_cast<double>(options_.bytes);
  drop_turn("redis_lost", why.message, kShortPause);
}

void TurnLoop::on_tracking() {
  track();
  if (state_.is(State::kDown)) advance();
}

void TurnLoop::on_changed(std::string_view key) { facts_.changed(key); }
void TurnLoop::on_all_changed() { facts_.forget_all(); }

/// What is cached may be wrong from now on, so nothing is decided by it, not even the turn in hand. What is being committed was
/// decided before.
void TurnLoop::on_deaf(const Error& why) {
  facts_.forget_all();
  if (state_.is(State::kDrained)) return;
  if (committing_)
    deaf_ = why.message;  // go_on() drops the rest
  else
    drop_turn("invalidations_lost", why.message, kShortPause);
}

void TurnLoop::drain(std::function<void()> done) {
  drained_ = std::move(done);
  if (state_.is(State::kWaiting) || state_.is(State::kDown)) advance();
}

}  // namespace mas::gateway
