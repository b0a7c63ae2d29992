// From the inbox to the application's functions.
#include "sdk/src/agent/dispatcher.h"

#include <cxxabi.h>

#include <functional>
#include <utility>

#include "sdk/src/agent/agent.h"
#include "sdk/src/core/error.h"
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

template <typename Fn>
Callback<Fn> Dispatcher::callback(Callback<Fn> Callbacks::*which) {
  std::lock_guard lock(callbacks_mutex_);
  return callbacks_.*which;
}

mas_agent* Dispatcher::handle() const { return static_cast<mas_agent*>(&agent_); }

[[gnu::noinline]] size_t Dispatcher::run(uint64_t end) {
  size_t ran = 0;
  while (!agent_.interrupted()) {
    if (taken_done_ == taken_.size()) {
      std::lock_guard lock(taken_mutex_);
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
[[gnu::noinline]] bool Dispatcher::run_next() {
  callback_frame_ = __builtin_frame_address(0);
  size_t i = taken_done_++;
  if (!taken_.messages.empty()) return handle_message(i);
  if (!taken_.receipts.empty()) return handle(taken_.receipts[i]);
  if (!taken_.changes.empty()) return handle(taken_.changes[i]);
  if (!taken_.doubts.empty()) return handle(taken_.doubts[i]);
  return handle(std::exchange(taken_.notices[i], Notice{}));
}

/// Runs a message's handler, and settles the message unless the handler defers it.
bool Dispatcher::handle_message(size_t i) {
  struct Handled {
    Dispatcher& dispatcher;
    const mas_message* message;
    mas_status outcome = MAS_HANDLER_FAILED;
    ~Handled() {
      if (message == nullptr) return;
      const Tracer::Silence unobserved;  // the thread ends already
      dispatcher.handled(message, outcome);
    }
  };
  {
    std::lock_guard lock(taken_mutex_);
    handling_ = std::move(taken_.messages[i]);
  }
  if (handling_ == nullptr) return false;  // it was refused
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
void Dispatcher::trace_handling(mas_message& message) {
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
void Dispatcher::handled(const mas_message* message, mas_status outcome) {
  if (message == nullptr || handling_.get() != message) return;
  MessagePtr done;
  {
    std::lock_guard lock(taken_mutex_);
    done = std::move(handling_);
  }
  filled_.reset();
  context_.settlements->returned(*done, outcome);
}

MAS_CATCHES_UNWINDING bool Dispatcher::call_handler(const mas_message& message, mas_status& outcome) {
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
mas_status Dispatcher::call_typed(MessageHandler& handler, const mas_message& message) {
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

bool Dispatcher::handle(const Receipt& receipt) {
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

bool Dispatcher::handle(const ConnectionChange& change) {
  auto wanted = callback(&Callbacks::connection);
  if (wanted.fn == nullptr) return false;
  return call_back(context_, "connection", [&] {
    call_out(wanted.fn, handle(), change.state, change.detail.c_str(), wanted.user);
    return true;
  });
}

bool Dispatcher::handle(const Doubt& doubt) {
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

bool Dispatcher::handle(const Notice& notice) {
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

void Dispatcher::refuse_messages() {
  if (context_.mode->traits.keeps_all) return;
  std::vector<MessagePtr> left;
  {
    std::lock_guard lock(taken_mutex_);
    if (handling_ != nullptr) left.emplace_back(mas_message_ref(handling_.get()));
    for (MessagePtr& message : taken_.messages)
      if (message != nullptr) left.push_back(std::move(message));
  }
  for (const auto& message : left) context_.settlements->refuse(*message);
}

/// Any of the callbacks may free the agent.
[[gnu::noinline]] void Dispatcher::discard() {
  callback_frame_ = __builtin_frame_address(0);
  auto tells = [this] { return context_.mode->traits.keeps_all && !agent_.freed(); };
  do {
    for (size_t i = taken_done_; i < taken_.receipts.size() && tells(); ++i) handle(taken_.receipts[i]);
    for (size_t i = taken_done_; i < taken_.doubts.size() && tells(); ++i) handle(taken_.doubts[i]);
    for (size_t i = taken_done_; i < taken_.notices.size(); ++i) {
      Notice& notice = taken_.notices[i];
      if (notice.request == nullptr) continue;
      if (agent_.freed())
        unheard_.push_back(std::move(notice.request));
      else
        handle(notice);
    }
    taken_.clear();
    taken_done_ = 0;
    context_.inbox.take(taken_, UINT64_MAX);
  } while (!taken_.empty());
  context_.inbox.take_dropped();
  context_.inbox.settle(true);
}

bool Dispatcher::calls(const void* frame) const { return std::less<>()(frame, callback_frame_); }

void Dispatcher::jumped_out() {
  if (handling_ != nullptr) Cause::restore(cause_before_);
  handled(handling_.get(), MAS_HANDLER_FAILED);
}

// ---- Hooks

MAS_CATCHES_UNWINDING Status Dispatcher::call_hook(Callback<mas_hook_fn> Callbacks::*which, const char* name,
                                                   bool inside) {
  auto hook = callback(which);
  if (hook.fn == nullptr) return {};
  if (inside) callback_frame_ = __builtin_frame_address(0);
  int returned = MAS_HANDLER_FAILED;  // an application may return any number
  try {
    returned = call_out(hook.fn, handle(), hook.user);
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread ends
  } catch (...) {
    context_.debug(std::string("the ") + name + " hook ended with an exception");
  }
  if (returned == MAS_OK) return {};
  const auto text = known(returned) ? errc_text(static_cast<Errc>(returned)) : "unknown";
  return Error{known(returned) ? static_cast<Errc>(returned) : Errc::kHandlerFailed,
               std::string("the ") + name + " hook returned '" + std::string(text) + "'"};
}

}  // namespace mas::sdk
