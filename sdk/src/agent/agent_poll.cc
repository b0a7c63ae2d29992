// Running an agent's callbacks.
//
// A handler may be left in other ways than by returning; its message has failed then, and what it held is given back:
//
//   an exception                          call_handler() catches it, and the poll goes on
//   pthread_exit(), pthread_cancel()      the stack is unwound through here, so destructors do it
//   longjmp()                             nothing runs: the next call on that thread finds out, see in_callback()
#include <cxxabi.h>

#include <utility>

#include "sdk/src/agent/agent.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/wait.h"
#include "sdk/src/loop/presence.h"
#include "sdk/src/typed/read.h"

namespace mas::sdk {

namespace {

/// Runs a callback that decides nothing. An exception ends the callback, and the poll goes on.
/// @param call @return whether the application was called.
template <typename Call>
MAS_CATCHES_UNWINDING bool call_back(const AgentContext& context, const char* name, Call call) {
  try {
    return call();
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread ends
  } catch (...) {
    context.debug(std::string("the ") + name + " callback ended with an exception");
  }
  return true;
}

}  // namespace

PollGate::Pass PollGate::enter(Duration patience) {
  Absence waiting;
  std::unique_lock lock(mutex_);
  auto free = [this] { return !taken_; };
  if (patience < Duration::zero())
    left_.wait(lock, free);
  else if (!left_.wait_until(lock, std::chrono::steady_clock::now() + patience, free))
    return {};
  taken_ = true;
  thread_.store(std::this_thread::get_id());
  return {*this, ++number_};
}

void PollGate::leave(uint64_t number) {
  std::lock_guard lock(mutex_);
  if (number != number_) return;  // it was revoked
  taken_ = false;
  thread_.store(std::thread::id());
  left_.notify_all();
}

void PollGate::revoke() {
  std::unique_lock lock(mutex_);
  const uint64_t number = number_;
  lock.unlock();
  leave(number);
}

template <typename Fn>
Callback<Fn> Agent::callback(Callback<Fn> Callbacks::*which) {
  std::lock_guard lock(callbacks_mutex_);
  return callbacks_.*which;
}
template Callback<mas_hook_fn> Agent::callback(Callback<mas_hook_fn> Callbacks::*which);

Status Agent::poll(int timeout_ms, size_t& ret_handled) {
  if (in_callback()) return Error{Errc::kInvalidState, "mas_agent_poll was called from a callback"};
  struct Afterwards {
    Agent& agent;
    ~Afterwards() { agent.stop_if_let_go(); }
  } afterwards{*this};
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
  if (std::less<>()(__builtin_frame_address(0), callback_frame_)) return true;
  if (handling_ != nullptr) Cause::restore(cause_before_);
  handled(handling_.get(), MAS_HANDLER_FAILED);
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

[[gnu::noinline]] size_t Agent::run_callbacks(uint64_t end) {
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
[[gnu::noinline]] bool Agent::run_next() {
  callback_frame_ = __builtin_frame_address(0);
  size_t i = taken_done_++;
  if (!taken_.messages.empty()) return handle(std::move(taken_.messages[i]));
  if (!taken_.receipts.empty()) return handle(taken_.receipts[i]);
  if (!taken_.changes.empty()) return handle(taken_.changes[i]);
  if (!taken_.doubts.empty()) return handle(taken_.doubts[i]);
  return handle(std::exchange(taken_.notices[i], Notice{}));
}

/// Runs a message's handler, and settles the message unless the handler defers it.
bool Agent::handle(MessagePtr message) {
  struct Handled {
    Agent& agent;
    const mas_message* message;
    mas_status outcome = MAS_HANDLER_FAILED;
    ~Handled() {
      if (message == nullptr) return;
      const Tracer::Silence unobserved;  // the thread ends already
      agent.handled(message, outcome);
    }
  };
  handling_ = std::move(message);
  cause_before_ = Cause::innermost();
  bool ran = false;
  {
    Cause cause(*handling_);  // of an error reply, too
    Handled handled{*this, handling_.get()};
    context_.mode->began(*handling_);
    if (context_.tracer->on()) trace_handling(*handling_);
    if (library_usable()) ran = call_handler(*handling_, handled.outcome);
    this->handled(std::exchange(handled.message, nullptr), handled.outcome);
  }
  if (context_.tracer->on()) context_.tracer->deliver();
  return ran;
}

/// Tells the observer that a handler is about to run.
void Agent::trace_handling(mas_message& message) {
  auto traced = std::make_unique<TracedMessage>();
  traced->kind = MAS_TRACE_HANDLE;
  traced->peer = message.sender();
  traced->type = message.type();
  traced->message_id = message.id();
  traced->correlation_id = message.correlation_id();
  traced->conversation_id = message.conversation_id();
  traced->attempt = message.failures() + 1;
  traced->body = message.data();
  traced->context.assign(message.trace());
  OwnContext context;
  const uint64_t number = context_.tracer->begin(std::move(traced), context);
  if (number != 0) message.traced_as(number, context);
}

/// @param message nothing happens unless it is the one that is being handled.
void Agent::handled(const mas_message* message, mas_status outcome) {
  if (message == nullptr || handling_.get() != message) return;
  MessagePtr done = std::move(handling_);
  filled_.reset();
  context_.settlements->returned(*done, outcome);
}

MAS_CATCHES_UNWINDING bool Agent::call_handler(const mas_message& message, mas_status& outcome) {
  MessageHandler handler;
  {
    std::lock_guard lock(callbacks_mutex_);
    auto it = callbacks_.by_type.find(message.type());
    handler = it == callbacks_.by_type.end() ? callbacks_.fallback : it->second;
  }
  if (handler.none()) {
    outcome = MAS_NO_HANDLER;
    return false;
  }
  static_cast<void>(take_failure(message));  // a sentence of an earlier message, perhaps, at the same address
  try {
    // An application may return any number; it is none of the enumeration until it was looked at.
    const int returned = handler.typed.fn == nullptr
                             ? call_out(handler.plain.fn, handle(), &message, handler.plain.user)
                             : call_typed(handler, message);
    if (returned == MAS_OK || known(returned)) outcome = static_cast<mas_status>(returned);
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread ends
  } catch (...) {
    context_.debug("a handler ended with an exception; its message counts as failed");
  }
  return true;
}

/// What the handler could jump over stands in members: the struct, and no reference to the schema.
mas_status Agent::call_typed(MessageHandler& handler, const mas_message& message) {
  auto filled = read_struct(*handler.schema, message.data());
  handler.schema.reset();
  if (!filled) {
    context_.debug("a message of type '" + printable(message.type()) + "' from '" + printable(message.sender()) +
                   "' does not fit its schema: " + filled.error().message);
    keep_failure(message, filled.error().message);
    return filled.error().code == Errc::kNoMemory ? MAS_HANDLER_FAILED : MAS_INVALID_PAYLOAD;
  }
  filled_ = std::move(*filled);
  return call_out(handler.typed.fn, handle(), &message, static_cast<const void*>(filled_->root()), handler.typed.user);
}

bool Agent::handle(const Receipt& receipt) {
  auto wanted = callback(&Callbacks::receipt);
  if (wanted.fn == nullptr) return false;
  std::string id;
  append_uuid(id, receipt.id);
  if (receipt.outcome != MAS_OK) fail(receipt.outcome, receipt.note.detail);
  note_receipt(receipt.note);
  return call_back(context_, "receipt", [&] {
    call_out(wanted.fn, handle(), id.c_str(), receipt.target.c_str(), receipt.outcome, wanted.user);
    return true;
  });
}

bool Agent::handle(const ConnectionChange& change) {
  auto wanted = callback(&Callbacks::connection);
  if (wanted.fn == nullptr) return false;
  return call_back(context_, "connection", [&] {
    call_out(wanted.fn, handle(), change.state, change.detail.c_str(), wanted.user);
    return true;
  });
}

bool Agent::handle(const Doubt& doubt) {
  auto wanted = callback(&Callbacks::doubt);
  if (wanted.fn == nullptr) return false;
  std::vector<std::string> ids(doubt.messages.ids.size());
  std::vector<const char*> texts;
  texts.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    append_uuid(ids[i], doubt.messages.ids[i]);
    texts.push_back(ids[i].c_str());
  }
  const mas_doubt told{texts.data(), texts.size(), doubt.messages.forgotten, doubt.why.c_str()};
  return call_back(context_, "doubt", [&] {
    call_out(wanted.fn, handle(), &told, wanted.user);
    return true;
  });
}

bool Agent::handle(const Notice& notice) {
  if (notice.request != nullptr) {
    context_.requests->polled();
    return call_back(context_, "reply", [&] { return notice.request->finish(handle()); });
  }
  uint64_t dropped = context_.inbox.take_dropped();
  auto wanted = callback(&Callbacks::overflow);
  if (wanted.fn == nullptr) return false;
  return call_back(context_, "overflow", [&] {
    call_out(wanted.fn, handle(), dropped, wanted.user);
    return true;
  });
}

/// After a stop: requests learn their end, and where the mode keeps all, the sender learns what became of its messages;
/// everything else is forgotten. Messages that were not handled stay pending in their streams. The callbacks of an
/// agent that one of them has freed do not run any more.
void Agent::discard_inbox() {
  const bool freed = let_go_.load();
  const bool tell = context_.mode->traits.keeps_all && !freed;
  do {
    for (size_t i = taken_done_; tell && i < taken_.receipts.size(); ++i) handle(taken_.receipts[i]);
    for (size_t i = taken_done_; tell && i < taken_.doubts.size(); ++i) handle(taken_.doubts[i]);
    for (size_t i = taken_done_; i < taken_.notices.size(); ++i) {
      Notice& notice = taken_.notices[i];
      if (notice.request == nullptr) continue;
      freed ? unheard_.push_back(std::move(notice.request)) : void(handle(notice));
    }
    taken_.clear();
    taken_done_ = 0;
    context_.inbox.take(taken_, UINT64_MAX);
  } while (!taken_.empty());
  context_.inbox.take_dropped();
  context_.inbox.settle(true);
}

}  // namespace mas::sdk
