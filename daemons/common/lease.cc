// The lease as an operation on Redis.
#include "daemons/common/lease.h"

#include <algorithm>
#include <utility>

#include "proto/redis/owned_key.h"
#include "proto/redis/refusals.h"

namespace mas::common {
namespace {

using State = Lease::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kStandby},
                                            {State::kStandby, State::kActive},
                                            {State::kActive, State::kStandby},
                                            {State::kStandby, State::kReleasing},
                                            {State::kReleasing, State::kIdle}});

/// One's own is taken back: by its own clock it was over, by Redis's it may be there for long (a clock that was set
/// back).
constexpr std::string_view kTake =
    "if redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) then return 1 end "
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end return 0";

}  // namespace

Lease::Lease(uv_loop_t* loop, redis::Client& redis, std::string key, std::string owner, Duration ttl,
             LeaseListener& listener)
    : redis_(redis),
      key_(std::move(key)),
      owner_(std::move(owner)),
      listener_(listener),
      clock_(ttl),
      state_(State::kIdle, kMoves),
      timer_(loop, [this] { tick(); }) {}

Lease::~Lease() { redis_.forget(this); }

void Lease::start() {
  if (!state_.is(State::kIdle)) return;
  state_.to(State::kStandby);
  tick();
}

void Lease::renew_now() {
  if (state_.is(State::kStandby) || state_.is(State::kActive)) tick();
}

void Lease::tick() {
  if (state_.is(State::kReleasing)) return finish_release();
  MonoTime now = mono_now();
  if (state_.is(State::kActive) && !clock_.held(now)) lose(kLeaseExpired);
  if (state_.is(State::kIdle) || state_.is(State::kReleasing)) return;  // the listener may have released it
  ask();
  // An active lease looks again at the end of its belief, should no renewal be answered by then.
  Duration wait = clock_.period();
  if (state_.is(State::kActive)) wait = std::min(wait, clock_.until() - now);
  timer_.once(std::max(wait, Duration(std::chrono::milliseconds(1))));
}

void Lease::ask() {
  if (asking_ || !redis_.ready()) return;
  int64_t ttl = to_millis(clock_.ttl());
  bool renew = state_.is(State::kActive);
  redis::Command command("EVAL", renew ? redis::kExtendOwned : kTake, 1, key_, owner_, ttl);
  asked_ = mono_now();
  auto status = redis_.send(command, redis::reply_to<&Lease::on_answer>(this, round_), clock_.ttl());
  asking_ = status.ok();
}

void Lease::on_answer(uint64_t tag, const redis::Answer& answer) {
  if (tag != round_) return;
  asking_ = false;
  if (!answer.ok()) return;  // unknown: the clock decides
  const redis::Reply& reply = **answer;
  if (redis::refuses_all_writes(reply)) {
    refused_ = true;
    return listener_.on_lease_refused(*this, redis::error_of(reply));
  }
  if (reply.is_error()) return;
  if (std::exchange(refused_, false)) listener_.on_lease_accepted(*this);
  if (state_.is(State::kActive)) return reply.integer == 1 ? clock_.confirmed(asked_) : lose(kLeaseTaken);
  if (!state_.is(State::kStandby) || reply.integer != 1) return;
  clock_.confirmed(asked_);
  state_.to(State::kActive);
  listener_.on_lease_gained(*this);
}

void Lease::lose(std::string_view why) {
  clock_.lost();
  state_.to(State::kStandby);
  listener_.on_lease_lost(*this, why);
}

void Lease::release(std::function<void()> done) {
  if (done) done_.push_back(std::move(done));
  if (state_.is(State::kReleasing)) return;
  if (state_.is(State::kActive)) lose(kLeaseReleased);
  if (state_.is(State::kIdle)) return finish_release();
  state_.to(State::kReleasing);
  ++round_;
  asking_ = false;
  timer_.once(clock_.period());
  auto status = redis_.ready() ? redis_.send(redis::Command("EVAL", redis::kDeleteOwned, 1, key_, owner_),
                                             redis::reply_to<&Lease::on_released>(this, round_))
                               : Status(Error{Errc::kUnreachable, "not connected"});
  if (!status) finish_release();
}

void Lease::on_released(uint64_t tag, const redis::Answer&) {
  if (tag == round_) finish_release();
}

void Lease::finish_release() {
  timer_.stop();
  ++round_;
  if (state_.is(State::kReleasing)) state_.to(State::kIdle);
  for (auto& done : std::exchange(done_, {})) done();
}

}  // namespace mas::common
