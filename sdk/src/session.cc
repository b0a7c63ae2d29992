// The session's flow. What arrives and what became of messages is in session_traffic.cc.
#include "sdk/src/session.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"
#include "sdk/src/lease.h"
#include "sdk/src/stop_op.h"

namespace mas::sdk {
namespace {

constexpr Duration kRetryBase = std::chrono::milliseconds(100);
constexpr Duration kRetryCap = std::chrono::seconds(2);
constexpr Duration kShortestWait = std::chrono::milliseconds(1);

}  // namespace

Session::Timers::Timers(Session& session)
    : beat(session.loop(), [&session] { session.beat(); }),
      retry(session.loop(), [&session] { session.try_register(); }),
      requests(session.loop(), [&session] { session.watch_requests(); }),
      wake(session.loop(), [&session] { session.agent_.inbox.wake(); }) {}

Session::Session(Runtime& runtime, AgentContext& agent)
    : runtime_(runtime),
      agent_(agent),
      channel_(agent.keys.channel(agent.config.id)),
      backoff_(kRetryBase, kRetryCap) {}

Session::~Session() = default;

void Session::begin(std::function<void(Status)> started) {
  started_ = std::move(started);
  state_.to(State::kJoining);
  timers_ = std::make_unique<Timers>(*this);
  hub_ = runtime_.hub(*agent_.config.endpoint, "libmas:" + agent_.config.id);
  hub_->join(*this, channel_);
  agent_.debug("joining " + hub_->endpoint().address());
  try_register();
}

void Session::try_register() {
  if (!state_.is(State::kJoining) || !hub_->serves(channel_) || timers_->retry.armed()) return;
  state_.to(State::kRegistering);
  auto op = std::make_unique<RegisterOp>(*this, mode_, [this](const Status& status) { on_registered(status); });
  registering_ = op.get();
  claimed_ = true;
  run(std::move(op));
}

void Session::on_registered(const Status& status) {
  registering_ = nullptr;
  if (!state_.is(State::kRegistering)) return;  // a link was lost, or the agent stops
  if (status.ok()) return came_up();
  state_.to(State::kJoining);
  obstacle_ = status.error();
  agent_.debug("not registered: " + status.error().message);
  if (starting() && !errc_retriable(status.error().code)) return fail_start(status.error());
  timers_->retry.once(backoff_.next(random_u64()));
}

void Session::came_up() {
  state_.to(State::kUp);
  backoff_.reset();
  obstacle_.reset();
  mode_ = RegisterOp::Mode::kAgain;
  heartbeat_at_ = lease_at_ = mono_now();
  plan_beat();
  agent_.debug("registered as " + agent_.config.id + ", instance " + agent_.instance);
  if (!std::exchange(was_up_, true)) {
    agent_.outbox->open(*this, commands(), runtime_.shared_from_this(), [this] { runtime_.post([this] { drain(); }); });
    return std::exchange(started_, nullptr)(Status());
  }
  agent_.inbox.push(ConnectionChange{MAS_CONNECTED, "connected to " + hub_->endpoint().address()});
  beat();  // the entry may be INACTIVE: healthd saw no heartbeat meanwhile
}

void Session::fail_start(const Error& why) { std::exchange(started_, nullptr)(why); }

Error Session::obstacle() const {
  if (obstacle_) return *obstacle_;
  return Error{Errc::kTimeout, "Redis at " + (hub_ ? hub_->endpoint().address() : "") + " did not answer in time"};
}

void Session::on_link_ready(bool again) {
  if (again && was_up_) agent_.counters.reconnects.add();
  agent_.debug("connected to " + hub_->endpoint().address());
  try_register();
}

void Session::on_link_down(const Error& why) {
  obstacle_ = why;
  agent_.debug("not connected: " + why.message);
  bool up = state_.is(State::kUp);
  if (up || state_.is(State::kRegistering)) state_.to(State::kJoining);
  if (registering_ != nullptr) registering_->cancel(why);
  if (up) {
    timers_->beat.stop();
    agent_.inbox.push(ConnectionChange{MAS_DISCONNECTED, why.message});
  }
  bool hopeless = why.code == Errc::kAuthFailed || why.code == Errc::kRefused || why.code == Errc::kInvalidArgument;
  if (starting() && hopeless && state_.is(State::kJoining)) fail_start(why);
}

void Session::on_subscription_refused(const Error& why) {
  obstacle_ = why.in("subscribing");
  agent_.debug(obstacle_->message);
  if (starting() && state_.is(State::kJoining) && !hub_->serves(channel_)) fail_start(*obstacle_);
}

// ---- Beating

void Session::plan_beat() {
  MonoTime next = std::min(heartbeat_at_ + agent_.config.heartbeat_interval, lease_at_ + kLeaseRenewal);
  timers_->beat.once(std::max<Duration>(next - mono_now(), kShortestWait));
}

void Session::beat() {
  if (!state_.is(State::kUp)) return;
  if (beating_) return timers_->beat.once(kShortestWait * 10);
  MonoTime now = mono_now();
  BeatOp::Due due{now - heartbeat_at_ >= agent_.config.heartbeat_interval, now - lease_at_ >= kLeaseRenewal};
  if (due.heartbeat) heartbeat_at_ = now;
  if (due.lease) lease_at_ = now;
  beating_ = true;
  plan_beat();
  run(std::make_unique<BeatOp>(*this, due, [this](const Result<Registration>& result) { on_beat(result); }));
}

void Session::on_beat(const Result<Registration>& result) {
  beating_ = false;
  if (!state_.is(State::kUp)) return;
  if (!result) return agent_.debug("no heartbeat: " + result.error().message);
  if (*result == Registration::kLost) register_again(RegisterOp::Mode::kAgain);
  if (*result == Registration::kInactive) register_again(RegisterOp::Mode::kActivate);
}

void Session::register_again(RegisterOp::Mode mode) {
  bool lost = mode == RegisterOp::Mode::kAgain;
  agent_.debug(lost ? "the registration is gone" : "INACTIVE, and no healthd judges");
  state_.to(State::kJoining);
  mode_ = mode;
  agent_.inbox.push(ConnectionChange{
      MAS_DISCONNECTED, lost ? "Redis lost the agent's registration" : "the agent's registration was INACTIVE"});
  try_register();
}

// ---- Operations

void Session::launch(std::unique_ptr<Op> op) {
  bool usable = state_.is(State::kUp) || state_.is(State::kJoining) || state_.is(State::kRegistering);
  if (!usable) return op->cancel(Error{Errc::kCancelled, "the agent was stopped"});
  run(std::move(op));
}

void Session::run(std::unique_ptr<Op> op) {
  Op& running = *op;
  operations_.push_back(std::move(op));
  running.begin();
}

void Session::retire(Op& op) {
  auto it = std::find_if(operations_.begin(), operations_.end(), [&](const auto& o) { return o.get() == &op; });
  if (it == operations_.end()) return;  // never launched: its owner deletes it
  if (retired_.empty()) runtime_.post([this] { retired_.clear(); });
  retired_.push_back(std::move(*it));
  operations_.erase(it);
}

void Session::cancel_operations() {
  Error stopped{Errc::kCancelled, "the agent was stopped"};
  while (!operations_.empty()) operations_.back()->cancel(stopped);
}

// ---- The end

void Session::stop(Duration patience, std::function<void(Status)> ended) {
  ended_ = std::move(ended);
  started_ = nullptr;
  state_.to(State::kStopping);
  timers_.reset();
  cancel_operations();
  agent_.requests->end_all(Error{Errc::kCancelled, "the agent was stopped"});
  take_back(patience);
}

void Session::take_back(Duration patience) {
  if (!claimed_) return close(Status());
  drain();
  bool pointless = patience == Duration::zero() && !commands().ready();
  if (pointless) return close(Error{Errc::kTimeout, "not connected: the registration stays until it expires"});
  auto op = std::make_unique<StopOp>(*this, [this](const Status& status) { close(status); });
  op->limit(patience);
  run(std::move(op));
}

void Session::close(const Status& outcome) {
  state_.to(State::kClosing);
  agent_.debug(outcome.ok() ? "deregistered" : "not deregistered: " + outcome.error().message);
  agent_.outbox->close();
  agent_.requests->end_all(Error{Errc::kCancelled, "the agent was stopped"});  // those made since stop()
  hub_->leave(*this);
  // The hub may be in the middle of a callback that led here; it ends from the loop.
  runtime_.post([this, outcome] { let_go(outcome); });
}

void Session::let_go(const Status& outcome) {
  operations_.clear();
  retired_.clear();
  hub_.reset();
  state_.to(State::kEnded);
  std::exchange(ended_, nullptr)(outcome);
}

}  // namespace mas::sdk
