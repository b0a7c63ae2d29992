// The session's flow. What arrives and what became of messages is in session_traffic.cc.
#include "sdk/src/agent/session.h"

#include <algorithm>
#include <utility>

#include "proto/base/random.h"
#include "sdk/src/agent/stop_op.h"
#include "sdk/src/core/lease.h"

namespace mas::sdk {
namespace {

constexpr Duration kRetryBase = std::chrono::milliseconds(100);
constexpr Duration kRetryCap = std::chrono::seconds(1);
/// Of a stop's patience, what is kept for taking the registration back: a quarter, at most this.
constexpr Duration kTakeBackPatience = std::chrono::milliseconds(500);
constexpr std::string_view kCutOff =
    "; Redis had closed only the connection for subscriptions, as it does when a subscriber falls behind "
    "(client-output-buffer-limit pubsub): messages that were published to it are lost";

}  // namespace

Session::Timers::Timers(Session& session)
    : retry(session.loop(), [&session] { session.try_register(); }),
      requests(session.loop(), [&session] { session.watch_requests(); }),
      wake(session.loop(), [&session] { session.agent_.inbox.wake(); }) {}

Session::Session(Runtime& runtime, AgentShared& agent)
    : runtime_(runtime),
      agent_(agent),
      mode_(*agent.mode),
      clock_(agent, [this] { on_clock_stepped(); }),
      registering_(*this, agent,
                   [this](const Result<Secret>& token) { token ? came_up(*token) : not_registered(token.error()); }),
      backoff_(kRetryBase, kRetryCap) {}

Session::~Session() = default;

void Session::begin(std::function<void(Status)> started) {
  started_ = std::move(started);
  agent_.lease.forget();
  state_.to(State::kJoining);
  timers_ = std::make_unique<Timers>(*this);
  heartbeat_ = std::make_unique<Heartbeat>(*this, *this);
  hub_ = runtime_.hub(*agent_.config.endpoint, "libmas:" + agent_.config.id);
  mode_.begin(*this);
  agent_.debug("joining " + hub_->endpoint().address());
  join();
}

void Session::join() {
  channel_ = mode_.channel();
  hub_->join(*this, channel_);
  try_register();
}

void Session::links_changed() {
  if (timers_ != nullptr) timers_->retry.stop();  // what failed before may work on this link
  if (state_.is(State::kStopping) && was_up_ && hub_->serves(channel_)) return mode_.links_back();
  try_register();
}

void Session::try_register() {
  if (!state_.is(State::kJoining) || !hub_->serves(channel_) || timers_->retry.armed()) return;
  state_.to(State::kRegistering);
  ask_time();  // answered before the registration
  registering_.begin();
}

void Session::not_registered(const Error& why) {
  state_.to(State::kJoining);
  obstacle_ = why;
  agent_.debug("not registered: " + why.message);
  if (starting() && !errc_retriable(why.code)) return fail_start(why);
  timers_->retry.once(backoff_.next(random_u64()));
}

void Session::came_up(const Secret& token) {
  state_.to(State::kUp);
  obstacle_.reset();
  agent_.lease.confirmed(registering_.sent_at());
  heartbeat_->up();
  agent_.debug("registered as " + agent_.config.id + ", instance " + agent_.instance());
  bool first = !std::exchange(was_up_, true);
  if (first) mode_.open();
  mode_.up(token);
  if (first) return std::exchange(started_, nullptr)(Status());
  std::string detail = "connected to " + hub_->endpoint().address();
  if (std::exchange(link_lost_, false) && hub_->was_cut_off()) detail.append(kCutOff);
  agent_.inbox.push(ConnectionChange{MAS_CONNECTED, detail});
  heartbeat_->beat_now();  // the entry may be INACTIVE: healthd saw no heartbeat meanwhile
}

void Session::fail_start(const Error& why) { std::exchange(started_, nullptr)(why); }

Error Session::obstacle() const {
  if (obstacle_) return *obstacle_;
  return Error{Errc::kTimeout, "Redis at " + (hub_ ? hub_->endpoint().address() : "") + " did not answer in time"};
}

void Session::on_link_ready(bool again) {
  if (again && was_up_) agent_.counters.reconnects.add();
  agent_.debug("connected to " + hub_->endpoint().address());
  clock_.link_renewed();
  if (again) mode_.link_renewed();
  links_changed();
}

void Session::on_link_down(const Error& why) {
  obstacle_ = why;
  agent_.debug("not connected: " + why.message);
  if (state_.is(State::kUp)) {
    link_lost_ = true;
    went_down(why);
  } else {
    mode_.down();
    if (state_.is(State::kRegistering)) state_.to(State::kJoining);
    registering_.abandon(why);
  }
  bool hopeless = why.code == Errc::kAuthFailed || why.code == Errc::kRefused || why.code == Errc::kInvalidArgument;
  if (starting() && hopeless && state_.is(State::kJoining)) fail_start(why);
}

void Session::went_down(const Error& why) {
  if (mono_now() - registering_.sent_at() >= kRetryCap) backoff_.reset();
  mode_.down();
  state_.to(State::kJoining);
  heartbeat_->down();
  agent_.inbox.push(ConnectionChange{MAS_DISCONNECTED, why.message});
}

void Session::on_receiving_lost(const Error& why) {
  obstacle_ = why;
  agent_.debug("not receiving: " + why.message);
  if (registering_.fail(why)) return;  // tried again, or the start fails
  if (!state_.is(State::kUp)) return;
  went_down(why);
  timers_->retry.once(backoff_.next(random_u64()));
}

void Session::on_subscription_refused(const Error& why) {
  const Error refusal = why.in("subscribing");
  const bool again = obstacle_ && obstacle_->message == refusal.message;
  obstacle_ = refusal;
  if (!again) agent_.debug(refusal.message);
  if (!state_.is(State::kJoining) || hub_->serves(channel_)) return;
  if (starting()) return fail_start(refusal);
  if (!again) agent_.inbox.push(ConnectionChange{MAS_DISCONNECTED, refusal.message});
}

// ---- Beating

/// @param sent when the renewal was.
void Session::on_lease_renewed(MonoTime sent) {
  agent_.lease.confirmed(sent);
  mode_.renewed();
}

void Session::on_registration(Registration found) {
  if (found == Registration::kLost)
    register_again(RegisterOp::Occasion::kAgain, "Redis lost the agent's registration");
  else
    register_again(RegisterOp::Occasion::kActivate, "the agent's registration was INACTIVE");
}

/// What the gateway refused for its time may be right by the clock as it is known now.
void Session::on_clock_stepped() {
  if (state_.is(State::kUp)) mode_.recovered();
}

void Session::register_again(RegisterOp::Occasion occasion, const std::string& why) {
  agent_.debug("registering again: " + why);
  heartbeat_->down();
  state_.to(State::kJoining);
  registering_.set_occasion(occasion);
  agent_.inbox.push(ConnectionChange{MAS_DISCONNECTED, why});
  try_register();
}

void Session::lost_data(const std::string& what) {
  agent_.counters.losses.add();
  agent_.loss_found_at = mono_now();
  const std::string why = "Redis lost data, messages to this agent may be gone: " + what;
  if (state_.is(State::kUp)) return register_again(RegisterOp::Occasion::kAgain, why);
  agent_.debug(why);
  agent_.inbox.push(ConnectionChange{MAS_DISCONNECTED, why});
}

void Session::in_doubt(InDoubt doubt, const std::string& why) {
  const uint64_t count = doubt.ids.size() + doubt.forgotten;
  agent_.counters.in_doubt.add(count);
  agent_.debug(std::to_string(count) + " accepted messages are in doubt: " + why);
  agent_.inbox.push(Doubt{std::move(doubt), why});
}

// ---- Another instance

/// Later: a mode may find out in the middle of a payload, and the hub must not lose a member meanwhile.
void Session::begin_anew(const std::string& why) {
  if (std::exchange(renaming_, true)) return;
  agent_.counters.restarts.add();
  agent_.debug("beginning anew as another instance: " + why);
  agent_.inbox.push(ConnectionChange{MAS_DISCONNECTED, why});
  runtime_.post([this] { rename(); });
}

void Session::rename() {
  renaming_ = false;
  bool usable = state_.is(State::kUp) || state_.is(State::kJoining) || state_.is(State::kRegistering);
  if (!usable) return;
  heartbeat_->down();
  if (!state_.is(State::kJoining)) state_.to(State::kJoining);
  registering_.abandon(Error{Errc::kCancelled, "another instance begins"});
  const Keys& keys = agent_.keys;
  const std::string& id = agent_.config.id;
  const std::string before = agent_.instance();
  agent_.instances.renew();
  agent_.lease.forget();
  // One that has no lease is dead to others: the new one has its own before it holds anything, and the old one until
  // then.
  static_cast<void>(commands().send(instance_lease(agent_), redis::ReplyTo{}));
  mode_.renamed(before);
  redis::Command farewell("HDEL", keys.instances(id), before);
  farewell.add("DEL", keys.alive(id, before));
  static_cast<void>(commands().send(farewell, redis::ReplyTo{}));  // else it expires
  hub_->leave(*this, channel_);
  join();
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
  const bool up = state_.is(State::kUp);
  state_.to(State::kStopping);
  timers_.reset();
  heartbeat_->down();
  registering_.abandon(Error{Errc::kCancelled, "the agent was stopped"});
  cancel_operations();
  refuse_messages();
  agent_.requests->end_all(Error{Errc::kCancelled, "the agent was stopped"});
  if (!registering_.claimed()) return close(Status());
  if (was_up_ && !up && hub_->serves(channel_)) mode_.links_back();  // deaf: what is queued can go out all the same
  const MonoTime begun = mono_now();
  const Duration reserve = std::min(patience / 4, kTakeBackPatience);
  mode_.finish(patience < Duration::zero() ? patience : patience - reserve, [=, this](const Status& flushed) {
    bool endless = patience < Duration::zero();
    take_back(endless ? patience : std::max(Duration(patience - (mono_now() - begun)), Duration::zero()), flushed);
  });
}

/// Nobody polls any more. Those that come later are refused as they come.
void Session::refuse_messages() {
  if (mode_.traits.keeps_all) return;
  for (const auto& message : agent_.inbox.take_messages()) agent_.settlements->refuse(*message);
}

void Session::take_back(Duration patience, const Status& flushed) {
  bool pointless = patience == Duration::zero() && !hub_->reaches(channel_);
  if (pointless) return close(Error{Errc::kTimeout, "not connected: the registration stays until it expires"});
  auto op = std::make_unique<StopOp>(*this,
                                     [this, flushed](const Status& status) { close(flushed.ok() ? status : flushed); });
  op->limit(patience);
  run(std::move(op));
}

void Session::close(const Status& outcome) {
  state_.to(State::kClosing);
  agent_.debug(outcome.ok() ? "deregistered" : "not deregistered: " + outcome.error().message);
  mode_.close();
  commands().forget(&clock_);
  agent_.requests->end_all(Error{Errc::kCancelled, "the agent was stopped"});  // those made since stop()
  hub_->leave(*this, channel_);
  // The hub may be in the middle of a callback that led here; it ends from the loop.
  runtime_.post([this, outcome] { let_go(outcome); });
}

void Session::let_go(const Status& outcome) {
  operations_.clear();
  retired_.clear();
  heartbeat_.reset();
  mode_.end();
  hub_.reset();
  state_.to(State::kEnded);
  std::exchange(ended_, nullptr)(outcome);
}

}  // namespace mas::sdk
