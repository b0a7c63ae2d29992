// The loop's flow: settings, between turns, from place to place, what goes wrong.
#include "daemons/gatewayd/turn/turn_loop.h"

#include <algorithm>
#include <utility>

#include "daemons/gatewayd/turn/broken_commit.h"

namespace mas::gateway {
namespace {

using namespace std::chrono_literals;
using State = TurnLoop::State;
using Hand = TurnPipeline::Hand;
using Read = TurnPipeline::Read;

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

constexpr size_t kLargeTurn = 1000;  // messages; deciding them takes longer than reading ahead costs
constexpr size_t kLargeShare = 16;   // or a turn that has this share of the bound
constexpr Duration kShortestSweep = 1s, kLongestSweep = 60s;  // between, the drift
constexpr WallMicros kLongestSleep = 60'000'000;              // Redis's clock may step

}  // namespace

TurnLoop::TurnLoop(common::Frame& frame, audit::ChainMemory& chains, TurnOptions options, const MasterKey* master,
                   const TurnKeys& keys)
    : link_(TurnLink::make(frame, options, *this)),
      parts_(frame, link_->turns(), link_->facts(), chains, std::move(options), keys),
      state_(State::kDown, kMoves),
      fence_(parts_, *this),
      read_(parts_, *this),
      decide_(parts_, *this),
      fetch_(parts_, master, *this),
      settings_(parts_, fetch_),
      commit_(parts_, make_commit_builder(frame.keys()), *this),
      peeks_(frame.loop(), *link_, turn_options({}, parts_.options).reply_limits, *this),
      sweep_(frame.redis(), frame.keys()),
      again_(frame.loop(), [this] { advance(); }),
      sweep_timer_(frame.loop(), [this] { sweep(); }) {}

TurnLoop::~TurnLoop() = default;

void TurnLoop::start() {
  link_->start();
  sweep_timer_.every(std::clamp(parts_.options.policy.auth.drift, kShortestSweep, kLongestSweep));
}

uint64_t TurnLoop::waiting_retries() const {
  uint64_t waiting = 0;
  for (const auto& partition : parts_.partitions.all()) waiting += partition->retries;
  return waiting;
}

// ---- Settings

void TurnLoop::set_policy(const Policy& policy, const LimitSettings& default_limits) {
  settings_.set_policy(policy, default_limits);
  change();
}

void TurnLoop::set_dlp(std::unique_ptr<dlp::ContentStage> stage) {
  settings_.set_dlp(std::move(stage));
  change();
}

void TurnLoop::set_archive(std::shared_ptr<const archive::Key> key) {
  settings_.set_archive(std::move(key));
  change();
}

/// While turns are under way, no other begins until it is done.
void TurnLoop::change() {
  if (!state_.is(State::kWorking)) settings_.take_over();
}

void TurnLoop::set_owned(const std::vector<bool>& owned) {
  if (!parts_.partitions.set_owned(owned)) return;
  if (state_.is(State::kWaiting) || state_.is(State::kDown)) advance();
}

void TurnLoop::drain(std::function<void()> done) {
  drained_ = std::move(done);
  if (state_.is(State::kWaiting) || state_.is(State::kDown)) advance();
}

// ---- Between turns

/// Goes on from wherever no turn is under way.
void TurnLoop::advance() {
  again_.stop();
  parts_.flush_events();
  if (state_.is(State::kDrained)) return;
  if (drained_) {
    state_.to(State::kDrained);
    return std::exchange(drained_, nullptr)();
  }
  if (!link_->ready() || !link_->hearing()) {
    if (!state_.is(State::kDown)) state_.to(State::kDown);
    return;
  }
  settings_.take_over();
  PartitionTable& partitions = parts_.partitions;
  partitions.take_ownership();
  peeks_.drop_lost(partitions);
  bool any = false, all_fenced = true;
  for (const auto& partition : partitions.all()) {
    if (!partitions.taken(*partition) || partitions.resting().asleep(partition->number, mono_now())) continue;
    any = true;
    all_fenced = all_fenced && !partition->epoch.empty();
  }
  if (!any) return wait_for_work();
  state_.to(all_fenced ? State::kWorking : State::kFencing);
  return all_fenced ? read_.read() : fence_.start(parts_.archive_key != nullptr);
}

/// All lists were read, and nothing waits in them; or there is none to be read.
/// A partition that rests is looked at when it is due, and so are messages to be delivered again and refusals that were
/// counted.
void TurnLoop::wait_for_work() {
  obstacle_.clear();
  if (!state_.is(State::kWaiting)) state_.to(State::kWaiting);
  parts_.flush_events();
  const PartitionTable& partitions = parts_.partitions;
  auto left = partitions.resting().next_look(mono_now());
  if (const WallMicros due = partitions.next_due(!parts_.options.policy.memory_low); due != Partition::kNoRetry) {
    Duration until = std::chrono::microseconds(std::clamp<WallMicros>(due - parts_.clock.now(), 0, kLongestSleep));
    left = std::min(left.value_or(until), until);
  }
  if (left) again_.once(*left);
  peeks_.arm(partitions);
}

void TurnLoop::on_work(unsigned number, uint64_t list_bytes, bool too_large) {
  if (!state_.is(State::kWaiting)) return;
  Partition& partition = parts_.partitions[number];
  if (list_bytes > 0) partition.list_bytes = list_bytes;
  if (auto& oversized = parts_.partitions.oversized(partition); too_large && !oversized) oversized.emplace();
  advance();
}

void TurnLoop::sweep() {
  if (!parts_.frame.redis_up()) return;
  sweep_.start(parts_.partitions.all(), parts_.clock.last(), 2 * parts_.options.policy.auth.drift);
}

// ---- Turns

/// Whether no other turn begins before what is under way is finished.
bool TurnLoop::turn_over() const {
  return drained_ || deaf_ || settings_.waiting() || parts_.partitions.ownership_changed() || !link_->hearing() ||
         parts_.partitions.resting().any_due(mono_now());
}

/// While working: moves each turn into the next place if that is free.
void TurnLoop::go_on() {
  TurnPipeline& pipeline = parts_.pipeline;
  if (deaf_ && !pipeline.committing()) return on_failed({"invalidations_lost", *std::exchange(deaf_, std::nullopt)});
  if (pipeline.may_commit()) commit();
  if (!state_.is(State::kWorking) || pipeline.hand() != Hand::kNone) return;
  if (pipeline.committing() && commit_.wrote_circuits()) return;
  const bool here = pipeline.read() == Read::kHere && !turn_over();
  const bool summaries = !parts_.options.policy.memory_low;
  if (here && (!parts_.batch.empty() || (summaries && parts_.partitions.summary_due(parts_.clock.last()))))
    return decide_.begin();
  if (pipeline.read() == Read::kAsked || pipeline.committing()) return;
  const bool nothing_there = here && parts_.trials.under_way() == nullptr;
  end_trial();
  pipeline.leave();
  return nothing_there ? wait_for_work() : advance();
}

/// The read of the next turn goes out in the same write.
void TurnLoop::commit() {
  if (!commit_.start()) return;
  if (parts_.pipeline.read() == Read::kHere && parts_.batch.empty())
    parts_.pipeline.leave();  // there may be more by now
  if (!turn_over() && read_.may_read_along()) read_.read_along();
}

/// What was read for a trial is not taken: there was nothing, or the loop has something else to do first.
void TurnLoop::end_trial() {
  const Partition* tried = parts_.trials.end(parts_.batch.empty());
  if (tried != nullptr) static_cast<void>(parts_.redis.send(redis::Command("DEL", tried->trial_key)));
}

/// A large turn has the next one read ahead, unless facts are to be forgotten, which needs a time without turns.
void TurnLoop::on_decoded() {
  const size_t large = std::min(kLargeTurn, parts_.options.messages / kLargeShare);
  const bool crowded = parts_.facts.size() > parts_.options.cached_agents || parts_.decider.crowded();
  if (parts_.batch.messages().size() >= large) {
    parts_.flush_events();
    if (!turn_over() && !crowded && read_.may_read_ahead()) read_.read_ahead();
  }
  if (parts_.pipeline.hand() != Hand::kDecoding) return;  // it could not be asked for, and the turn was dropped
  parts_.pipeline.move_hand(Hand::kFetching);
  fetch_.start();
}

void TurnLoop::on_committed() {
  obstacle_.clear();
  repeat_.reset();
  read_.turn_committed();
  if (parts_.pipeline.hand() != Hand::kNone) return;
  parts_.facts.shrink(parts_.options.cached_agents);
  parts_.decider.shrink();
}

/// Receipts do not wait for a turn in hand: it may be a large one.
void TurnLoop::on_commit_over() {
  if (parts_.pipeline.hand() != Hand::kNone) {
    parts_.flush_events();
    link_->flush();
  }
  go_on();
}

// ---- What goes wrong

void TurnLoop::on_failed(const TurnFailure& failure) {
  if (failure.gave_up_link) link_given_up_ = true;
  parts_.stats.dropped_turns.add(parts_.pipeline.drop());
  fence_.reset();
  read_.reset();
  decide_.reset();
  fetch_.reset();
  commit_.reset();
  sweep_.cancel();
  deaf_.reset();
  parts_.trials.turn_dropped();
  parts_.partitions.forget_all();
  if (!state_.is(State::kDown)) state_.to(State::kDown);
  obstacle_ = std::string(failure.event) + ": " + failure.why;
  if (repeat_.should_log(obstacle_, mono_now())) parts_.frame.log().warn(failure.event, {{"why", failure.why}});
  again_.once(failure.pause);
}

void TurnLoop::renew_link() { link_->renew(Error{Errc::kUnavailable, "the daemon's main link was made anew"}); }

/// What was read before may be stale.
void TurnLoop::track() {
  parts_.facts.forget_all();
  link_->track();
}

/// What listens for this link may be connected to another server than it is now: one that still takes itself for the
/// primary.
void TurnLoop::on_link_up(bool again) {
  if (!std::exchange(link_given_up_, false)) {
    if (again) {
      link_->renew_hearing();
      parts_.on_cluster() ? peeks_.clear() : peeks_.renew_links();
    }
    parts_.partitions.resting().look_now(mono_now());
  }
  track();
  if (state_.is(State::kDown)) advance();
}

void TurnLoop::on_link_down(const Error& why) {
  commit_.link_lost();
  if (state_.is(State::kDrained) || link_given_up_) return;
  // Should it have been the size of what was asked for: one element next time, and more as they prove small.
  for (const auto& partition : parts_.partitions.all())
    partition->mean_element_bytes = static_cast<double>(parts_.options.bytes);
  on_failed({"redis_lost", why.message});
}

/// Peeks wait at the nodes that had the lists before.
void TurnLoop::on_moved() {
  peeks_.clear();
  if (state_.is(State::kWaiting)) peeks_.arm(parts_.partitions);
}

void TurnLoop::on_tracking() {
  track();
  if (state_.is(State::kDown)) advance();
}

/// What is cached may be wrong from now on, so nothing is decided by it, not even the turn in hand. What is being
/// committed was decided before.
void TurnLoop::on_tracking_lost(const Error& why) {
  parts_.facts.forget_all();
  if (state_.is(State::kDrained)) return;
  if (parts_.pipeline.committing())
    deaf_ = why.message;  // go_on() drops the rest
  else
    on_failed({"invalidations_lost", why.message});
}

}  // namespace mas::gateway
