// The pass over mas.daemons.
#include "daemons/healthd/daemon_watch.h"

#include <algorithm>

#include "daemons/common/heartbeat.h"
#include "proto/base/ids.h"

namespace mas::health {

namespace {

using State = DaemonWatch::State;
constexpr auto kMoves = transitions<State>({{State::kIdle, State::kWalking},
                                            {State::kWalking, State::kChecking},
                                            {State::kWalking, State::kIdle},
                                            {State::kChecking, State::kRemoving},
                                            {State::kChecking, State::kWalking},
                                            {State::kChecking, State::kIdle},
                                            {State::kRemoving, State::kWalking},
                                            {State::kRemoving, State::kIdle}});

constexpr Duration kPeriod = std::chrono::seconds(2);
constexpr std::string_view kNamesWatched[] = {"registryd", "gatewayd", "healthd"};

// KEYS: set of daemons and, where it is on the same server, the heartbeat. ARGV: member, channel, event.
constexpr std::string_view kRemoveScript = R"(
if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('SREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1)";

}  // namespace

DaemonWatch::DaemonWatch(const WatchContext& context)
    : context_(context),
      state_(State::kIdle, kMoves),
      scan_(context.loop, context.redis, *this),
      timer_(context.loop, [this] { start(); }) {}

void DaemonWatch::run() {
  if (!timer_.armed()) timer_.every(kPeriod);
  start();
}

void DaemonWatch::rest() {
  timer_.stop();
  scan_.cancel();
  context_.redis.forget(this);
  if (!state_.is(State::kIdle)) state_.to(State::kIdle);
}

void DaemonWatch::redis_returned(MonoTime since) {
  not_before_ = std::max(not_before_, since + common::kDaemonHeartbeatTtl);
}

void DaemonWatch::start() {
  if (!state_.is(State::kIdle)) return;
  state_.to(State::kWalking);
  up_.fill(0);
  scan_.walk_set(context_.keys.daemons(), common::KeyScanOp::Pace::kGentle);
}

void DaemonWatch::on_scan_page(const std::vector<std::string_view>& names) {
  members_.clear();
  redis::Command batch;
  for (std::string_view text : names) {
    size_t colon = std::min(text.find(':'), text.size());
    std::string_view instance = text.substr(std::min(colon + 1, text.size()));
    members_.push_back(Member{std::string(text), std::string(text.substr(0, colon)), std::string(instance)});
    batch.add("EXISTS", context_.keys.daemon(members_.back().name, members_.back().instance));
  }
  if (members_.empty()) return scan_.next();
  answered_ = 0;
  state_.to(State::kChecking);
  context_.clock.ask();
  Status sent = context_.redis.scatter(batch, redis::reply_to<&DaemonWatch::on_exists>(this));
  if (!sent.ok()) fail(sent.error());
}

void DaemonWatch::on_scan_left_out(const Error& why) {
  if (left_out_.should_log(why.message, mono_now())) context_.log.warn("daemon_not_watched", {{"why", why.message}});
}

void DaemonWatch::on_exists(uint64_t tag, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  members_[tag].gone = (*reply)->is_integer() && (*reply)->integer == 0;
  if (!members_[tag].gone) count(members_[tag]);
  if (++answered_ == members_.size()) remove();
}

void DaemonWatch::count(const Member& member) {
  const auto* found = std::find(std::begin(kNamesWatched), std::end(kNamesWatched), member.name);
  if (found != std::end(kNamesWatched)) ++up_[static_cast<size_t>(found - std::begin(kNamesWatched))];
}

void DaemonWatch::remove() {
  std::erase_if(members_, [](const Member& member) { return !member.gone; });
  if (mono_now() < not_before_) members_.clear();
  state_.to(members_.empty() ? State::kWalking : State::kRemoving);
  if (members_.empty()) return scan_.next();
  redis::Command batch;
  for (const Member& member : members_) add_removal(batch, member);
  answered_ = 0;
  Status sent = context_.redis.scatter(batch, redis::reply_to<&DaemonWatch::on_removed>(this));
  if (!sent.ok()) fail(sent.error());
}

/// On a cluster the heartbeat is in another slot. A daemon that has beaten again since it was looked at is back in the
/// set with its next beat.
void DaemonWatch::add_removal(redis::Command& batch, const Member& member) const {
  const std::string event =
      daemon_event(EventType::kDaemonDown, printable(member.name), printable(member.instance), wall_now());
  const std::string set = context_.keys.daemons(), channel = context_.keys.system_channel();
  if (context_.redis.cluster() != nullptr)
    batch.add("EVAL", kRemoveScript, 1, set, member.text, channel, event);
  else
    batch.add("EVAL", kRemoveScript, 2, set, context_.keys.daemon(member.name, member.instance), member.text, channel,
              event);
}

void DaemonWatch::on_removed(uint64_t tag, const redis::Answer& answer) {
  auto reply = redis::checked(answer);
  if (!reply.ok()) return fail(reply.error());
  if ((*reply)->is_integer() && (*reply)->integer == 1) {
    context_.stats.daemons_lost.add();
    context_.log.warn("daemon_down", {{"name", members_[tag].name}, {"instance", members_[tag].instance}});
  }
  if (++answered_ < members_.size()) return;
  state_.to(State::kWalking);
  scan_.next();
}

void DaemonWatch::on_scan_end(const Status& status) {
  if (!status.ok()) return fail(status.error());
  state_.to(State::kIdle);
  problem_.reset();
  context_.stats.registryds.set(static_cast<double>(up_[0]));
  context_.stats.gatewayds.set(static_cast<double>(up_[1]));
  context_.stats.healthds.set(static_cast<double>(up_[2]));
}

void DaemonWatch::fail(const Error& why) {
  context_.redis.forget(this);
  scan_.cancel();
  state_.to(State::kIdle);
  if (problem_.should_log(why.message, mono_now())) context_.log.warn("daemon_watch_failed", {{"error", why.message}});
}

}  // namespace mas::health
