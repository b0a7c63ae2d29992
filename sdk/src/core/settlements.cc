// Messages settled at their handler's end, or later.
#include "sdk/src/core/settlements.h"

#include <cxxabi.h>

#include <utility>

#include "proto/base/ids.h"
#include "sdk/src/core/context.h"
#include "sdk/src/core/error.h"
#include "sdk/src/core/error_reply.h"
#include "sdk/src/core/outbox.h"
#include "sdk/src/loop/presence.h"

namespace mas::sdk {
namespace {

constexpr const char* kStopped = "the agent is being stopped";
constexpr const char* kAbandoned = "the message was released and not settled";

Error invalid_state(const char* why) { return {Errc::kInvalidState, why}; }

/// @return why a handler failed, in one sentence that can be sent; empty without memory.
std::string reason_of(const mas_message& message, mas_status outcome) noexcept try {
  std::string why = take_failure(message);
  if (!why.empty()) return why;
  if (outcome == MAS_NO_HANDLER) return "no handler for messages of type '" + printable(message.type()) + "'";
  return "handler returned a failure";
} catch (...) {
  return {};
}

}  // namespace

/// The right to settle a deferred message, and the time that it takes.
class Settlements::Claim {
 public:
  Claim(Settlements& all, mas_message& message) : all_(all) {
    std::lock_guard lock(all_.mutex_);
    granted_ = all_.deferred_.erase(&message) > 0;
    if (granted_) ++all_.settling_;
  }
  ~Claim() {
    if (!granted_) return;
    std::lock_guard lock(all_.mutex_);
    if (--all_.settling_ == 0) all_.idle_.notify_all();
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  explicit operator bool() const { return granted_; }

 private:
  Settlements& all_;
  bool granted_ = false;
};

void Settlements::open() {
  std::lock_guard lock(mutex_);
  open_ = true;
  ++start_;
}

void Settlements::close() {
  std::vector<MessagePtr> left;
  {
    Absence waiting;
    std::unique_lock lock(mutex_);
    open_ = false;
    for (mas_message* message : std::exchange(deferred_, {}))
      if (message->ref_if_alive()) left.emplace_back(message);
    idle_.wait(lock, [this] { return settling_ == 0; });
  }
  if (agent_.mode->traits.redelivers) return;
  for (const auto& message : left)
    if (ends_request(*message, MAS_HANDLER_FAILED)) say_stopped(*message);
}

void Settlements::refuse(mas_message& message) {
  if (agent_.mode->traits.redelivers || !ends_request(message, MAS_HANDLER_FAILED)) return;
  const Tracer::Silence unobserved;  // perhaps on the I/O thread
  say_stopped(message);
}

void Settlements::say_stopped(mas_message& request) {
  if (answer(request, MAS_HANDLER_FAILED, kStopped)) count(request, MAS_HANDLER_FAILED);
}

void Settlements::returned(mas_message& message, mas_status outcome) {
  if (message.deferred()) {
    if (outcome != MAS_OK) static_cast<void>(settle(message, outcome));
    return;
  }
  count(message, outcome);
  if (!library_usable()) return;  // what a child of fork() handled is still its parent's
  end_trace(message, outcome);
  if (agent_.mode->ended(message)) finish(message, outcome);
}

Status Settlements::defer(mas_message& message) {
  if (message.deferred()) return invalid_state("the message was deferred already");
  std::lock_guard lock(mutex_);
  if (!open_) return invalid_state(kStopped);
  if (message.start() != start_) return invalid_state("the agent was stopped while the handler ran");
  deferred_.insert(&message);
  message.deferred_by(shared_from_this());
  return {};
}

Status Settlements::settle(mas_message& message, int outcome) {
  if (!library_usable()) return stay_refused();
  const Claim claim(*this, message);
  if (!claim) return invalid_state("the message was settled already, or its agent has stopped");
  const auto status = outcome == MAS_OK || known(outcome) ? static_cast<mas_status>(outcome) : MAS_HANDLER_FAILED;
  end_trace(message, status);
  if (!agent_.mode->ended(message)) return invalid_state("the message was out of time, and was reported as failed");
  count(message, status);
  finish(message, status);
  return {};
}

void Settlements::abandon(mas_message& message) noexcept try {
  if (!library_usable()) return;
  const Tracer::Silence unobserved;  // it could not end the thread here
  const Claim claim(*this, message);
  if (!claim) return;
  end_trace(message, MAS_HANDLER_FAILED);
  if (!agent_.mode->ended(message)) return;
  count(message, MAS_HANDLER_FAILED);
  finish(message, MAS_HANDLER_FAILED, kAbandoned);
} catch (...) {  // without memory it is left open
}

void Settlements::count(mas_message& message, mas_status outcome) {
  agent_.mode->outbox->failures().count(message, outcome);
}

void Settlements::end_trace(const mas_message& message, mas_status outcome) {
  if (message.trace_number() != 0) agent_.tracer->end(message.trace_number(), outcome);
}

/// @param outcome it counts: the message was not out of time.
void Settlements::finish(mas_message& message, mas_status outcome, std::string why) {
  if (outcome == MAS_OK) return agent_.mode->handled(message, false, {});
  if (why.empty()) why = reason_of(message, outcome);
  /// The mode learns of it also when an observer of the error reply ends the thread.
  struct Told {
    Mode& mode;
    mas_message& message;
    const std::string& why;
    bool failed;
    ~Told() { mode.handled(message, failed, why); }
  } told{*agent_.mode, message, why, outcome != MAS_NO_HANDLER};
  if (ends_request(message, outcome)) told.failed = !answer(message, outcome, why) && agent_.mode->traits.redelivers;
}

/// @return whether a requester waits who is to hear of that failure from here.
bool Settlements::ends_request(const mas_message& message, mas_status outcome) const {
  if (!message.is_request() || message.replied()) return false;
  if (!agent_.mode->traits.redelivers) return true;
  const bool for_good = outcome == MAS_NO_HANDLER || outcome == MAS_INVALID_PAYLOAD;
  return for_good && !message.ticket().empty();  // without a ticket nobody waits any more
}

/// @return whether the error reply is on its way. A handler's thread may be ending: no exception leaves this.
MAS_CATCHES_UNWINDING bool Settlements::answer(mas_message& request, mas_status outcome, const std::string& why) try {
  const auto status = send_error_reply(request, static_cast<Errc>(outcome), why);
  if (!status) agent_.debug("no error reply for '" + printable(request.sender()) + "': " + status.error().message);
  return status.ok();
} catch (const abi::__forced_unwind&) {
  throw;  // an observer ends the thread
} catch (...) {
  return false;
}

}  // namespace mas::sdk
