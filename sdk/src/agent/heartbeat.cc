// Beats, and what comes of them.
#include "sdk/src/agent/heartbeat.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"
#include "sdk/src/core/lease.h"

namespace mas::sdk {
namespace {

constexpr Duration kRetryBase = std::chrono::milliseconds(100);
constexpr Duration kRetryCap = std::chrono::seconds(1);
constexpr Duration kShortestWait = std::chrono::milliseconds(1);

}  // namespace

Heartbeat::Heartbeat(OpHost& host, HeartbeatListener& listener)
    : host_(host), listener_(listener), backoff_(kRetryBase, kRetryCap), due_(host.loop(), [this] { beat_now(); }) {}

void Heartbeat::up() {
  up_ = true;
  backoff_.reset();
  trouble_.clear();
  heartbeat_at_ = lease_at_ = mono_now();
  plan();
}

void Heartbeat::down() {
  up_ = false;
  due_.stop();
}

void Heartbeat::plan() {
  const MonoTime next = std::min(heartbeat_at_ + host_.context().config.heartbeat_interval, lease_at_ + kLeaseRenewal);
  due_.once(std::max<Duration>(next - mono_now(), kShortestWait));
}

void Heartbeat::beat_now() {
  if (!up_ || std::exchange(beating_, true)) return;
  due_.stop();
  const MonoTime now = mono_now();
  const BeatOp::Due due{now - heartbeat_at_ >= host_.context().config.heartbeat_interval,
                        now - lease_at_ >= kLeaseRenewal};
  if (due.heartbeat || due.lease) listener_.on_beating();
  auto done = [this, due, now](const Result<Registration>& result) { ended(due, now, result); };
  host_.run(std::make_unique<BeatOp>(host_, due, done));
}

void Heartbeat::ended(BeatOp::Due due, MonoTime begun, const Result<Registration>& result) {
  beating_ = false;
  if (!up_) return;
  if (!result) return again(result.error());
  if (due.heartbeat) heartbeat_at_ = begun;
  if (due.lease) {
    lease_at_ = begun;
    listener_.on_lease_renewed(begun);
  }
  backoff_.reset();
  plan();
  if (!std::exchange(trouble_, {}).empty()) {
    host_.context().debug("the heartbeat is written again");
    listener_.on_beat_recovered();
  }
  if (*result != Registration::kRegistered) listener_.on_registration(*result);
}

void Heartbeat::again(const Error& why) {
  if (why.message != trouble_) host_.context().debug("no heartbeat: " + why.message);
  trouble_ = why.message;
  due_.once(backoff_.next(random_u64()));
}

}  // namespace mas::sdk
