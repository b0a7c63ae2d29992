// An agent's polling: who may, until when, and whether the calling thread is inside a callback.
#include "sdk/src/agent/agent.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/wait.h"

namespace mas::sdk {

Status Agent::poll(int timeout_ms, size_t& ret_handled) {
  if (in_callback()) return Error{Errc::kInvalidState, "mas_agent_poll was called from a callback"};
  auto pass = gate_.enter(Duration::zero());
  if (!pass) return Error{Errc::kInvalidState, "another thread polls this agent"};
  if (!running()) return Error{Errc::kInvalidState, "the agent is not running; start it first"};
  return poll_entered(timeout_ms, ret_handled);
}

Status Agent::poll_entered(int timeout_ms, size_t& ret_handled) {
  Deadline deadline(timeout_ms);
  for (;;) {
    ret_handled += dispatcher_.run(context_.inbox.next_number());
    if (!library_usable()) return stay_refused();  // a child that a callback forked
    bool idle = ret_handled == 0;
    if (dispatcher_.caught_up()) context_.inbox.settle(idle);
    if (context_.tracer->on()) context_.tracer->deliver();  // what ends from here on makes the descriptor readable anew
    if (let_go_.load()) return Error{Errc::kCancelled, "the agent was freed in a callback"};
    if (stopping_.load() || !running()) return Error{Errc::kCancelled, "the agent is being stopped"};
    if (quit_.exchange(false)) return Error{Errc::kCancelled, "mas_agent_quit was called"};
    if (!idle || deadline.passed()) return {};
    wait(deadline.left_ms());
  }
}

/// @return whether the calling thread runs one of the agent's callbacks. A callback that calls has its frame below the
/// one it is run from; a caller above that one can only have come there by longjmp(), out of the callback. (One that
/// jumped and then went deeper before it calls is taken for the callback.)
[[gnu::noinline]] bool Agent::in_callback() {
  if (in_direct_callback() || Tracer::inside()) return true;
  if (!gate_.inside()) return false;
  if (dispatcher_.calls(__builtin_frame_address(0))) return true;
  dispatcher_.jumped_out();
  gate_.revoke();
  return false;
}

/// Until the inbox may have something, or for no reason.
void Agent::wait(int timeout_ms) {
  auto running = runtime();
  if (running == nullptr) return;
  if (running->turns().lead(fd(), timeout_ms, [] { return false; })) return;
  Turns::Follower follower(running->turns());
  Cancellable waiting;
  wait_readable(fd(), timeout_ms);
}

Status Agent::run() {
  for (;;) {
    size_t handled = 0;
    auto status = poll(-1, handled);
    if (status.ok()) continue;
    if (status.error().code == Errc::kCancelled) return {};
    return status;
  }
}

}  // namespace mas::sdk
