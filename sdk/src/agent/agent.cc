// An agent's life and its calls. Its polling is in agent_poll.cc.
#include "sdk/src/agent/agent.h"

#include <cxxabi.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sdk/src/agent/state_load_op.h"
#include "sdk/src/agent/state_op.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/wait.h"

namespace mas::sdk {
namespace {

/// The longest wait for Redis to take back the registration of an agent whose start failed, or that a callback freed.
constexpr Duration kCleanUpPatience = std::chrono::milliseconds(500);
/// How long a thread may take to come out of an agent that was stopped under it.
constexpr Duration kLeavePatience = std::chrono::seconds(1);

/// Agents that callbacks on this thread let go, and that are not stopped yet.
thread_local Agent* let_go_here = nullptr;

std::optional<WallMicros> deadline_after(WallMicros now, int timeout_ms) {
  if (timeout_ms < 0) return std::nullopt;
  return now + int64_t{timeout_ms} * 1000;
}

Error invalid_state(const char* why) { return {Errc::kInvalidState, why}; }

/// @return whether the calling thread may wait for the I/O thread.
Status may_wait() {
  if (!in_direct_callback()) return {};
  return invalid_state("a callback of mas_agent_request_direct called a function that waits");
}

/// What is due when a hook throws or ends its thread.
template <typename Fn>
class OnUnwind {
 public:
  explicit OnUnwind(Fn fn) : fn_(std::move(fn)) {}
  ~OnUnwind() {
    if (armed_) fn_();
  }
  OnUnwind(const OnUnwind&) = delete;
  OnUnwind& operator=(const OnUnwind&) = delete;
  void disarm() { armed_ = false; }

 private:
  Fn fn_;
  bool armed_ = true;
};

/// Counts a thread in a call that waits.
class Waiting {
 public:
  explicit Waiting(std::atomic<unsigned>& count) : count_(count) { ++count_; }
  ~Waiting() { --count_; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::atomic<unsigned>& count_;
};

}  // namespace

Status Agent::open() {
  if (auto status = context_.inbox.open(); !status) return status;
  start_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (start_fd_ >= 0) return {};
  return Error{Errc::kNoMemory, std::string("cannot create an event descriptor: ") + strerror(errno)};
}

MAS_CATCHES_UNWINDING bool Agent::let_go() try {
  if (in_callback()) {
    if (!let_go_.exchange(true)) let_go_before_ = std::exchange(let_go_here, this);
    after_call = &stop_those_let_go;
    context_.requests->end_all(Error{Errc::kCancelled, "the agent was freed in a callback"});
    context_.tracer->retire(Deadline(kLeavePatience));
    return false;
  }
  static_cast<void>(stop(0));  // whoever waits in a call returns
  const MonoTime end = mono_now() + kLeavePatience;
  auto pass = gate_.enter(kLeavePatience);
  auto alone = [this] { return waiting_.load() == 0 && context_.tracer->idle(); };
  while (!alone() && mono_now() < end) {
    Absence looking;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  context_.tracer->retire(Deadline(kLeavePatience));
  std::lock_guard lock(life_mutex_);
  return pass && alone() && life_ == Life::kStopped;
} catch (const abi::__forced_unwind&) {
  throw;  // the thread ends, in the stop hook
} catch (...) {
  context_.tracer->mute();
  return false;  // without memory it could not be stopped
}

void Agent::keep_for_ever(Agent& agent) noexcept {
  static std::atomic<Agent*> last{nullptr};
  agent.kept_before_ = last.load();
  while (!last.compare_exchange_weak(agent.kept_before_, &agent)) {
  }
}

/// At the end of each call that this thread makes, until it is out of the callbacks that let agents go.
void Agent::stop_those_let_go() noexcept try {
  for (Agent** at = &let_go_here; *at != nullptr && library_usable();) {
    Agent& agent = **at;
    if (agent.in_callback()) {
      at = &agent.let_go_before_;
      continue;
    }
    *at = agent.let_go_before_;
    static_cast<void>(agent.stop(static_cast<int>(to_millis(kCleanUpPatience))));
    at = &let_go_here;
  }
  if (let_go_here == nullptr) after_call = nullptr;
} catch (...) {  // without memory it runs on
}

Agent::~Agent() {
  if (start_fd_ >= 0) close(start_fd_);
}

void Agent::set_life(Life life) {
  std::lock_guard lock(life_mutex_);
  life_ = life;
}

/// @return null unless the agent runs.
std::shared_ptr<Runtime> Agent::runtime() {
  std::lock_guard lock(life_mutex_);
  return life_ == Life::kRunning ? runtime_ : nullptr;
}

/// Async-signal-safe: an atomic store and two write(2).
void Agent::quit() {
  quit_.store(true);
  wake_descriptor(start_fd_);
  context_.inbox.wake();
}

// ---- Start

Status Agent::start(int timeout_ms) {
  if (in_callback()) return invalid_state("mas_agent_start was called from a callback");
  if (auto status = begin_session(); !status) return status;
  if (auto status = wait_until_up(timeout_ms); !status) return fail_start(status);
  if (auto status = fill_bound(); !status) return fail_start(status);
  auto pass = gate_.enter(Duration(-1));
  set_life(Life::kRunning);
  OnUnwind stop_again([this] { static_cast<void>(fail_start(Status())); });
  auto hook = call_hook(&Callbacks::start, "start");
  stop_again.disarm();
  if (let_go_.load()) hook = Error{Errc::kCancelled, "the agent was freed in its start hook"};
  return hook.ok() ? hook : fail_start(hook);
}

Status Agent::begin_session() {
  std::lock_guard lock(life_mutex_);
  if (life_ != Life::kStopped) return invalid_state("the agent was started already; stop it first");
  if (auto status = context_.mode->load(); !status) return status;
  auto runtime = Runtime::acquire();
  if (!runtime) return runtime.error();
  runtime_ = *runtime;
  life_ = Life::kStarting;
  started_.reset();
  context_.instances.renew();
  context_.tracer->open();
  session_ = std::make_unique<Session>(*runtime_, context_);
  auto on_started = [this](const Status& status) {
    std::lock_guard started_lock(life_mutex_);
    started_ = status;
    wake_descriptor(start_fd_);
  };
  context_.settlements->open();
  runtime_->post([session = session_.get(), on_started] { session->begin(on_started); });
  return {};
}

Status Agent::wait_until_up(int timeout_ms) {
  Deadline deadline(timeout_ms);
  for (;;) {
    clear_descriptor(start_fd_);
    {
      std::lock_guard lock(life_mutex_);
      if (started_) return *started_;
    }
    if (quit_.exchange(false)) return Error{Errc::kCancelled, "mas_agent_quit was called"};
    if (deadline.passed()) break;
    Absence waiting;
    wait_readable(start_fd_, deadline.left_ms());
  }
  Latch<Error> obstacle;
  runtime_->post([&] { obstacle.set(session_->obstacle()); });
  return obstacle.wait();
}

/// Leaves nothing running. @return `why`.
Status Agent::fail_start(const Status& why) {
  if (!library_usable()) return why;
  set_life(Life::kStopping);
  static_cast<void>(end_session(kCleanUpPatience));
  dispatcher_.discard();
  context_.tracer->close(Deadline(0));
  set_life(Life::kStopped);
  return why;
}

Status Agent::call_hook(Callback<mas_hook_fn> Callbacks::*which, const char* name) {
  return let_go_.load() ? Status() : dispatcher_.call_hook(which, name, gate_.inside());
}

// ---- Stop

Status Agent::stop(int timeout_ms) {
  if (in_callback()) return invalid_state("mas_agent_stop was called from a callback");
  {
    std::lock_guard lock(life_mutex_);
    if (life_ == Life::kStopped) return {};
    if (life_ != Life::kRunning || stopping_.load()) return invalid_state("the agent is starting or stopping");
    stopping_.store(true);
  }
  Deadline deadline(timeout_ms);
  context_.inbox.wake();  // whoever polls returns, also from a request that a handler waits for
  context_.requests->end_all(Error{Errc::kCancelled, "the agent is being stopped"});
  if (auto running = runtime()) running->interrupt();  // a request may be waiting by turning the loop
  auto pass = gate_.enter(deadline.left());
  const bool discard = static_cast<bool>(pass);  // else a callback still runs; its thread has the rest
  OnUnwind stop_all_the_same([&] { static_cast<void>(finish_stop(deadline.left(), discard)); });
  static_cast<void>(call_hook(&Callbacks::stop, "stop"));
  stop_all_the_same.disarm();
  return finish_stop(deadline.left(), discard);
}

Status Agent::finish_stop(Duration patience, bool discard) {
  if (!library_usable()) return stay_refused();
  struct Stopped {
    Agent& agent;
    ~Stopped() {
      agent.stopping_.store(false);
      agent.set_life(Life::kStopped);
    }
  } stopped{*this};
  set_life(Life::kStopping);
  const Deadline deadline(patience);
  auto status = end_session(patience);
  if (discard) dispatcher_.discard();
  context_.tracer->close(deadline);
  return status;
}

Status Agent::end_session(Duration patience) {
  context_.settlements->close();
  dispatcher_.refuse_messages();
  Latch<Status> ended;
  auto on_end = [&ended](const Status& status) { ended.set(status); };
  runtime_->post([&] { session_->stop(patience, on_end); });
  Status status = ended.wait();
  std::shared_ptr<Runtime> last;  // joins the I/O thread, perhaps: without the lock
  std::lock_guard lock(life_mutex_);
  session_.reset();
  last = std::move(runtime_);
  return status;
}

// ---- Calls

Status Agent::post_to_session(std::function<void(Session&)> task) {
  std::lock_guard lock(life_mutex_);
  if (life_ != Life::kRunning) return invalid_state("the agent is not running; start it first");
  runtime_->post([session = session_.get(), task = std::move(task)] { task(*session); });
  return {};
}

template <typename OpType, typename Outcome, typename... Args>
Outcome Agent::call(int timeout_ms, Args... args) {
  if (auto status = may_wait(); !status) return status.error();
  Latch<Outcome> latch;
  auto done = [&latch](Outcome outcome) { latch.set(std::move(outcome)); };
  auto begin = [&](Session& session) {
    auto op = std::make_unique<OpType>(session, std::move(args)..., done);
    op->limit(duration_of(timeout_ms));
    session.launch(std::move(op));
  };
  Waiting waiting(waiting_);
  if (auto status = post_to_session(begin); !status) return status.error();
  if (auto running = runtime()) {
    Turns::Follower follower(running->turns());
    return latch.wait();
  }
  return latch.wait();
}

Result<std::vector<AgentEntry>> Agent::discover(DiscoverQuery query, int timeout_ms) {
  return call<DiscoverOp, Result<std::vector<AgentEntry>>>(timeout_ms, std::move(query));
}

Status Agent::update_state(std::vector<StateChange> changes, int timeout_ms) {
  return call<StateUpdateOp, Status>(timeout_ms, std::move(changes));
}

Status Agent::reset_state(int timeout_ms) {
  auto status = call<StateResetOp, Status>(timeout_ms);
  return status.ok() ? fill_bound() : status;
}

Status Agent::refresh_state(int timeout_ms) {
  auto status = call<StateLoadOp, Status>(timeout_ms);
  return status.ok() ? fill_bound() : status;
}

Status Agent::bind_state(std::unique_ptr<BoundState> bound) {
  std::lock_guard lock(bound_mutex_);
  if (bound != nullptr)
    if (auto status = bound->load(context_.state.all()); !status) return status;
  bound_ = std::move(bound);
  return {};
}

Status Agent::fill_bound() {
  std::lock_guard lock(bound_mutex_);
  return bound_ == nullptr ? Status() : bound_->load(context_.state.all());
}

Status Agent::save_state(int timeout_ms) {
  std::unique_lock lock(bound_mutex_);
  if (bound_ == nullptr) return invalid_state("no struct is bound to the state; call mas_state_bind first");
  BoundState* const bound = bound_.get();
  auto changes = bound->changes();
  lock.unlock();
  if (!changes) return changes.error();
  if (changes->empty()) return {};
  if (auto status = update_state(*changes, timeout_ms); !status) return status;
  lock.lock();
  if (bound_.get() == bound) bound->saved(*changes);
  return {};
}

Status Agent::set_tracer(unsigned flags, Callback<mas_trace_fn> observer) {
  std::lock_guard lock(life_mutex_);
  if (life_ != Life::kStopped) return invalid_state("the agent runs; set its observer before it is started");
  context_.tracer->set(dispatcher_.handle(), flags, observer.fn, observer.user);
  return {};
}

Status Agent::flush(int timeout_ms) {
  if (auto status = may_wait(); !status) return status;
  Waiting waiting(waiting_);
  auto status = context_.outbox().flush(duration_of(timeout_ms));
  if (context_.tracer->on()) context_.tracer->deliver();
  return status;
}

Status Agent::send_wait(const Draft& draft, const Id128& id, int timeout_ms, bool& ret_queued) {
  if (auto status = may_wait(); !status) return status;
  const Deadline deadline(timeout_ms);
  Waiting waiting(waiting_);
  Requests::Waiter waiter(*context_.requests, id, {});
  if (auto status = context_.outbox().send(draft, id, wall_now()); !status) return status;
  ret_queued = true;
  auto end = wait(waiter, deadline);
  if (context_.tracer->on()) context_.tracer->deliver();
  if (end) return {};
  if (end.error().code != Errc::kTimeout) return end.error();
  return context_.late("no receipt within " + std::to_string(timeout_ms) + " ms");
}

Result<MessagePtr> Agent::request(Draft draft, int timeout_ms) {
  if (auto status = may_wait(); !status) return status.error();
  const WallMicros now = wall_now();
  draft.deadline = deadline_after(now, timeout_ms);
  const Id128 id = new_uuid_v7(now);
  const Deadline deadline(timeout_ms);
  Waiting waiting(waiting_);
  Requests::Waiter waiter(*context_.requests, id, draft.target);
  if (auto status = context_.outbox().send(draft, id, now); !status) return status.error();
  auto reply = wait(waiter, deadline);
  if (context_.tracer->on()) {
    context_.tracer->end(id, reply ? MAS_OK : status_of(reply.error().code));  // a stop may have ended it first
    context_.tracer->deliver();
  }
  if (!reply && reply.error().code == Errc::kTimeout && deadline.passed()) return context_.late(reply.error().message);
  return reply;
}

/// Turns the loop meanwhile, unless another thread does or waits for it.
Result<MessagePtr> Agent::wait(Requests::Waiter& waiter, const Deadline& deadline) {
  auto ended = [&waiter] { return waiter.ended(); };
  auto running = runtime();
  while (running != nullptr && !waiter.ended() && !deadline.passed()) {
    if (running->turns().lead(-1, deadline.left_ms(), ended)) continue;
    Turns::Follower follower(running->turns());
    return waiter.wait(deadline);
  }
  return waiter.wait(deadline);
}

/// A request that ended while the observer was told of its start was not yet under way for the observer.
void Agent::trace_early_end(const AsyncRequest& request) {
  const auto outcome = context_.requests->outcome_of(request);
  if (outcome && context_.tracer->end(request.id(), *outcome)) context_.tracer->deliver();
}

Result<std::shared_ptr<AsyncRequest>> Agent::request_async(Draft draft, int timeout_ms, mas_reply_fn fn, void* user,
                                                           bool direct) {
  const WallMicros now = wall_now();
  draft.deadline = deadline_after(now, timeout_ms);
  auto request = std::make_shared<AsyncRequest>(new_uuid_v7(now), draft.target, fn, user, direct);
  std::optional<MonoTime> deadline;
  if (timeout_ms >= 0) deadline = mono_now() + duration_of(timeout_ms);
  auto next = context_.requests->add(request, deadline);
  if (!next) return next.error();
  Status sent = context_.outbox().send(draft, request->id(), now);
  if (context_.tracer->on()) trace_early_end(*request);
  if (sent.ok() && *next) sent = post_to_session([](Session& session) { session.watch_requests(); });
  if (sent.ok()) return request;
  if (!request->cancel()) return request;  // a stop has ended it, and its callback has run
  context_.requests->remove(request->id());
  return sent.error();
}

}  // namespace mas::sdk
