// The heartbeat as an operation on Redis.
#include "daemons/common/heartbeat.h"

#include <utility>

#include "proto/wire/events.h"

namespace mas::common {
namespace {

using State = Heartbeat::State;

constexpr auto kMoves = transitions<State>({{State::kIdle, State::kBeating},
                                            {State::kBeating, State::kIdle},
                                            {State::kIdle, State::kDone},
                                            {State::kBeating, State::kLeaving},
                                            {State::kLeaving, State::kDone}});

// Replies of a beat, by their place in it.
constexpr uint64_t kRenewed = 0;
constexpr uint64_t kWritten = 1;
constexpr uint64_t kJoined = 2;

constexpr Duration kLeaveTimeout = std::chrono::seconds(1);

}  // namespace

Heartbeat::Heartbeat(uv_loop_t* loop, redis::Client& redis, const Keys& keys, std::string daemon, std::string instance,
                     Log& log, HeartbeatSource& source)
    : redis_(redis),
      keys_(keys),
      daemon_(std::move(daemon)),
      instance_(std::move(instance)),
      key_(keys.daemon(daemon_, instance_)),
      member_(daemon_ + ":" + instance_),
      log_(log),
      source_(source),
      state_(State::kIdle, kMoves),
      timer_(loop, [this] { state_.is(State::kLeaving) ? finish() : beat(); }) {}

Heartbeat::~Heartbeat() { redis_.forget(this); }

void Heartbeat::resume() {
  if (!state_.is(State::kIdle)) return;
  state_.to(State::kBeating);
  timer_.every(kDaemonHeartbeatPeriod);
  beat();
}

void Heartbeat::pause() {
  if (!state_.is(State::kBeating)) return;
  state_.to(State::kIdle);
  timer_.stop();
}

void Heartbeat::beat() {
  if (!state_.is(State::kBeating)) return;
  int64_t ttl = to_millis(kDaemonHeartbeatTtl);
  redis::Command command("PEXPIRE", key_, ttl);
  command.add("SET", key_, source_.heartbeat_snapshot(), "PX", ttl);
  auto status = redis_.send(command, redis::reply_to<&Heartbeat::on_reply>(this, kRenewed));
  if (status)
    status = redis_.send(redis::Command("SADD", keys_.daemons(), member_),
                         redis::reply_to<&Heartbeat::on_reply>(this, kJoined));
  if (!status && repeat_.should_log(status.error().message, mono_now()))
    log_.warn("heartbeat_failed", {{"why", status.error().message}});
}

void Heartbeat::on_reply(uint64_t tag, const redis::Answer& answer) {
  if (!state_.is(State::kBeating)) return;
  auto reply = redis::checked(answer);
  if (!reply) {
    if (repeat_.should_log(reply.error().message, mono_now()))
      log_.warn("heartbeat_failed", {{"why", reply.error().message}});
    return;
  }
  if (tag == kWritten) repeat_.reset();
  if (tag == kJoined && (*reply)->integer == 1) announce();
}

void Heartbeat::announce() {
  log_.debug("daemon_announced", {{"instance", instance_}});
  auto event = daemon_event(EventType::kDaemonUp, daemon_, instance_, wall_now());
  // Refused only when the connection is overfull or stopped, which the next beat reports.
  (void)redis_.send(redis::Command("PUBLISH", keys_.system_channel(), event), {}).ok();
}

void Heartbeat::stop(std::function<void()> done) {
  done_ = std::move(done);
  if (!state_.is(State::kBeating)) return finish();
  state_.to(State::kLeaving);
  redis::Command command("DEL", key_);
  command.add("SREM", keys_.daemons(), member_);
  command.add("PUBLISH", keys_.system_channel(), daemon_event(EventType::kDaemonDown, daemon_, instance_, wall_now()));
  timer_.once(kLeaveTimeout);
  goodbyes_due_ = command.count();
  auto status = redis_.scatter(command, redis::reply_to<&Heartbeat::on_left>(this));
  if (!status) finish();
}

void Heartbeat::on_left(uint64_t, const redis::Answer& answer) {
  if (state_.is(State::kLeaving) && (--goodbyes_due_ == 0 || !answer.ok())) finish();
}

void Heartbeat::finish() {
  timer_.stop();
  if (!state_.is(State::kDone)) state_.to(State::kDone);
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace mas::common
