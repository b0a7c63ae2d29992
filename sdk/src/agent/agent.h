// An agent as the application sees it: its life, its calls into the I/O thread, and the running of callbacks.
//
//     stopped ──start()──▶ starting ──▶ running ──stop()──▶ stopping ──▶ stopped
//                             └─ failed, quit ─▶ stopped
//
// Happy path: start() makes a Session on the I/O thread and waits until it is up; sends go through the outbox; calls
// that need an answer (discover, state) become operations of the session; poll() runs callbacks from the inbox.
// Threading: every method from any thread; poll() by one thread at a time. No lock is held while a callback runs.
// Ownership: the C handle is this object; callbacks get it back.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/agent_entry.h"
#include "sdk/src/agent/bound_state.h"
#include "sdk/src/agent/discover_op.h"
#include "sdk/src/agent/dispatcher.h"
#include "sdk/src/agent/poll_gate.h"
#include "sdk/src/agent/session.h"
#include "sdk/src/agent/shared.h"
#include "sdk/src/core/latch.h"
#include "sdk/src/loop/presence.h"
#include "sdk/src/loop/runtime.h"

namespace mas::sdk {

class Agent {
 public:
  Agent(AgentConfig config, MakeMode make_mode)
      : context_(std::move(config), make_mode), dispatcher_(*this, context_) {}
  ~Agent();
  /// Stops it if need be. @return whether it may be destroyed: false when a thread is still inside, be it the calling
  /// one or one that does not come out. The calling thread then stops it at the end of the call that runs its callback.
  bool let_go();
  /// Keeps one for ever that was let go and may not be destroyed, where leak detectors find it. Takes no memory.
  static void keep_for_ever(Agent& agent) noexcept;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Makes the descriptors; once, before anything else.
  Status open();

  const std::string& id() const { return context_.config.id; }
  const std::string& instance() const { return context_.instance(); }
  int fd() const { return context_.inbox.fd(); }
  AgentShared& context() { return context_; }
  /// @return whether no further callback may run for now.
  /// @return whether a callback freed the agent.
  bool freed() const { return let_go_.load(); }
  bool interrupted() const { return quit_.load() || stopping_.load() || let_go_.load() || !library_usable(); }

  Status start(int timeout_ms);
  Status stop(int timeout_ms);
  void quit();
  Status poll(int timeout_ms, size_t& ret_handled);
  Status run();

  /// Changes callbacks; `change` must not call anything of the agent.
  template <typename Change>
  void set_callbacks(Change&& change) {
    if (library_usable()) dispatcher_.set_callbacks(std::forward<Change>(change));
  }

  Status send(const Draft& draft, const Id128& id) { return context_.outbox().send(draft, id, wall_now()); }
  Status flush(int timeout_ms);
  /// Changes the observer of messages. @return kInvalidState while the agent runs.
  Status set_tracer(unsigned flags, Callback<mas_trace_fn> observer);
  /// Sends and waits for what becomes of it. @param ret_queued set where it was sent, whatever became of it.
  Status send_wait(const Draft& draft, const Id128& id, int timeout_ms, bool& ret_queued);
  Result<MessagePtr> request(Draft draft, int timeout_ms);
  Result<std::shared_ptr<AsyncRequest>> request_async(Draft draft, int timeout_ms, mas_reply_fn fn, void* user,
                                                      bool direct);

  Result<std::vector<AgentEntry>> discover(DiscoverQuery query, int timeout_ms);
  Status update_state(std::vector<StateChange> changes, int timeout_ms);
  Status reset_state(int timeout_ms);
  Status refresh_state(int timeout_ms);
  /// Binds a struct to the state, instead of the one before, and fills it. @param bound null: none.
  Status bind_state(std::unique_ptr<BoundState> bound);
  /// Writes what the application changed in the bound struct.
  Status save_state(int timeout_ms);

 private:
  enum class Life : uint8_t { kStopped, kStarting, kRunning, kStopping };

  Status call_hook(Callback<mas_hook_fn> Callbacks::*which, const char* name);
  Status begin_session();
  Status wait_until_up(int timeout_ms);
  Status fail_start(const Status& why);
  Status finish_stop(Duration patience, bool discard);
  Status end_session(Duration patience);
  void set_life(Life life);
  Status post_to_session(std::function<void(Session&)> task);
  template <typename OpType, typename Outcome, typename... Args>
  Outcome call(int timeout_ms, Args... args);

  bool running() { return runtime() != nullptr; }
  std::shared_ptr<Runtime> runtime();
  void wait(int timeout_ms);
  Result<MessagePtr> wait(Requests::Waiter& waiter, const Deadline& deadline);
  bool in_callback();
  static void stop_those_let_go() noexcept;
  Status poll_entered(int timeout_ms, size_t& ret_handled);
  void trace_early_end(const AsyncRequest& request);
  Status fill_bound();

  const Counted counted_;
  AgentShared context_;

  std::mutex life_mutex_;
  Life life_ = Life::kStopped;
  std::shared_ptr<Runtime> runtime_;  // guarded by life_mutex_
  std::unique_ptr<Session> session_;  // used on the I/O thread; made and destroyed with life_mutex_ held
  std::optional<Status> started_;     // guarded by life_mutex_: how the start ended

  std::atomic<bool> quit_{false};
  std::atomic<bool> stopping_{false};
  int start_fd_ = -1;  // wakes start(): its end, and quit()

  std::atomic<unsigned> waiting_{0};  // threads in calls that wait
  PollGate gate_;
  std::atomic<bool> let_go_{false};  // by a callback: whoever runs it stops the agent afterwards, and runs no other
  Agent* let_go_before_ = nullptr;   // in the list of those that this thread let go and has to stop
  Agent* kept_before_ = nullptr;     // in the list of those that are kept for ever
  Dispatcher dispatcher_;
  std::mutex bound_mutex_;
  std::unique_ptr<BoundState> bound_;  // guarded by bound_mutex_
};

}  // namespace mas::sdk

/// The C handle is the agent itself.
struct mas_agent final : mas::sdk::Agent {
  using Agent::Agent;
};
