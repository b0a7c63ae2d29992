// Running an agent's callbacks.
#include <utility>

#include "sdk/src/agent.h"
#include "sdk/src/cause.h"
#include "sdk/src/error.h"
#include "sdk/src/presence.h"
#include "sdk/src/wait.h"

namespace mas::sdk {

PollGate::Pass PollGate::enter(Duration patience) {
  Absence waiting;
  std::unique_lock lock(mutex_);
  auto free = [this] { return !taken_; };
  if (patience < Duration::zero())
    left_.wait(lock, free);
  else if (!left_.wait_until(lock, std::chrono::steady_clock::now() + patience, free))
    return Pass(nullptr);
  taken_ = true;
  thread_.store(std::this_thread::get_id());
  return Pass(this);
}

void PollGate::leave() {
  std::lock_guard lock(mutex_);
  taken_ = false;
  thread_.store(std::thread::id());
  left_.notify_all();
}

template <typename Fn>
Callback<Fn> Agent::callback(Callback<Fn> Callbacks::*which) {
  std::lock_guard lock(callbacks_mutex_);
  return callbacks_.*which;
}
template Callback<mas_hook_fn> Agent::callback(Callback<mas_hook_fn> Callbacks::*which);

Status Agent::poll(int timeout_ms, size_t& ret_handled) {
  if (gate_.inside()) return Error{Errc::kInvalidState, "mas_agent_poll was called from a callback"};
  auto pass = gate_.enter(Duration::zero());
  if (!pass) return Error{Errc::kInvalidState, "another thread polls this agent"};
  if (!running()) return Error{Errc::kInvalidState, "the agent is not running; start it first"};
  return poll_entered(timeout_ms, ret_handled);
}

Status Agent::poll_entered(int timeout_ms, size_t& ret_handled) {
  Deadline deadline(timeout_ms);
  for (;;) {
    ret_handled += run_callbacks(context_.inbox.next_number());
    if (!library_usable()) return stay_refused();  // a child that a callback forked
    bool idle = ret_handled == 0;
    if (taken_done_ == taken_.size()) context_.inbox.settle(idle);
    if (stopping_.load() || !running()) return Error{Errc::kCancelled, "the agent is being stopped"};
    if (quit_.exchange(false)) return Error{Errc::kCancelled, "mas_agent_quit was called"};
    if (!idle || deadline.passed()) return {};
    wait(deadline.left_ms());
  }
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

size_t Agent::run_callbacks(uint64_t end) {
  size_t ran = 0;
  while (!interrupted()) {
    if (taken_done_ == taken_.size()) {
      taken_.clear();
      taken_done_ = 0;
      context_.inbox.take(taken_, end);
      if (taken_.empty()) break;
    }
    ran += run_next() ? 1 : 0;
  }
  return ran;
}

/// @return whether a callback ran.
bool Agent::run_next() {
  size_t i = taken_done_++;
  if (!taken_.messages.empty()) {
    MessagePtr message = std::move(taken_.messages[i]);
    return handle(*message);
  }
  if (!taken_.receipts.empty()) return handle(taken_.receipts[i]);
  if (!taken_.changes.empty()) return handle(taken_.changes[i]);
  return handle(std::exchange(taken_.notices[i], Notice{}));
}

/// Runs a message's handler; the entry that the message came with, if any, learns what became of it.
bool Agent::handle(mas_message& message) {
  Share share = message.take_share();
  const bool part = share.delivery != nullptr;
  if (part) context_.deliveries.began(share, message.size(), mono_now());
  mas_status outcome = MAS_OK;
  bool ran = call_handler(message, outcome);
  if (part) context_.deliveries.handled(share, message.size(), outcome != MAS_OK);
  return ran;
}

bool Agent::call_handler(const mas_message& message, mas_status& outcome) {
  Callback<mas_message_fn> handler;
  {
    std::lock_guard lock(callbacks_mutex_);
    auto it = callbacks_.by_type.find(message.type());
    handler = it == callbacks_.by_type.end() ? callbacks_.fallback : it->second;
  }
  if (handler.fn == nullptr) {
    context_.counters.unhandled.add();
    return false;
  }
  Cause cause(message);
  outcome = call_out(handler.fn, handle(), &message, handler.user);
  if (outcome != MAS_OK) context_.counters.handler_failed.add();
  return true;
}

bool Agent::handle(const Receipt& receipt) {
  auto wanted = callback(&Callbacks::receipt);
  if (wanted.fn == nullptr) return false;
  std::string id;
  append_uuid(id, receipt.id);
  if (receipt.outcome != MAS_OK) fail(receipt.outcome, receipt.note.detail);
  note_receipt(receipt.note);
  call_out(wanted.fn, handle(), id.c_str(), receipt.target.c_str(), receipt.outcome, wanted.user);
  return true;
}

bool Agent::handle(const ConnectionChange& change) {
  auto wanted = callback(&Callbacks::connection);
  if (wanted.fn == nullptr) return false;
  call_out(wanted.fn, handle(), change.state, change.detail.c_str(), wanted.user);
  return true;
}

bool Agent::handle(const Notice& notice) {
  if (notice.request != nullptr) {
    context_.requests->polled();
    return notice.request->finish(handle());
  }
  uint64_t dropped = context_.inbox.take_dropped();
  auto wanted = callback(&Callbacks::overflow);
  if (wanted.fn == nullptr) return false;
  call_out(wanted.fn, handle(), dropped, wanted.user);
  return true;
}

/// After a stop: requests learn their end, and in gateway mode the sender learns what became of its messages; everything
/// else is forgotten. Messages that were not handled stay pending in their streams.
void Agent::discard_inbox() {
  bool tell = context_.config.mode == MAS_MODE_GATEWAY;
  do {
    for (size_t i = taken_done_; tell && i < taken_.receipts.size(); ++i) handle(taken_.receipts[i]);
    for (size_t i = taken_done_; i < taken_.notices.size(); ++i)
      if (taken_.notices[i].request != nullptr) handle(taken_.notices[i]);
    taken_.clear();
    taken_done_ = 0;
    context_.inbox.take(taken_, UINT64_MAX);
  } while (!taken_.empty());
  context_.inbox.take_dropped();
  context_.inbox.settle(true);
}

}  // namespace mas::sdk
