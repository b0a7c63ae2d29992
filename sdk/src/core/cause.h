// Why a thread sends: the message whose handler it runs. What is sent meanwhile passes that message on, and says so in
// its `meta` (proto/README.md, "Passing on"), so that a gateway sees work that goes round in a circle, and a trace goes
// on.
//
// Happy path: the poller opens a Cause around a handler; compose() asks current() on the same thread. What a handler
// leaves to other threads, or to the callback of a request, has no cause; a gateway's budgets count it all the same.
//
// A message's trace context is the first of these that there is:
//
//     what mas_trace_set() set ▶ for a reply, what its request passes on ▶ else, what the handled message passes on
//
// A message passes on the context that an observer gave to its handler, else the one that it came with.
//
// Threading: each thread has its own. Ownership: a Cause does not hold the message. It may outlive the message by a
// little, and is not asked then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proto/wire/envelope.h"
#include "proto/wire/limits.h"
#include "proto/wire/trace_context.h"
#include "sdk/src/core/message.h"

namespace mas::sdk {

/// A trace context with memory of its own, which is not written until a context is.
class OwnContext {
 public:
  OwnContext() {}
  /// Of an object that is there before any code runs.
  struct Constant {};
  constexpr explicit OwnContext(Constant) : parent_{}, state_{} {}
  OwnContext(const OwnContext& other) { assign(other.view()); }
  OwnContext& operator=(const OwnContext&) = delete;

  /// @param context valid, or empty; of a later version than 00 the fields of 00 are taken.
  void assign(const TraceContext& context);
  bool empty() const { return parent_size_ == 0; }
  TraceContext view() const { return {{parent_, parent_size_}, {state_, state_size_}}; }

 private:
  uint16_t parent_size_ = 0, state_size_ = 0;
  char parent_[kTraceparentBytes];
  char state_[limits::kMetaTextBytes];
};

class Cause {
 public:
  explicit Cause(const mas_message& message) : message_(message), before_(std::exchange(innermost_, this)) {}
  ~Cause() { innermost_ = before_; }
  Cause(const Cause&) = delete;
  Cause& operator=(const Cause&) = delete;

  /// Ends those of the thread that handlers left by longjmp(); `cause` was the innermost one before.
  static void restore(Cause* cause) { innermost_ = cause; }
  /// @return null: the thread runs no handler.
  static Cause* innermost() { return innermost_; }
  /// @return null: the thread runs no handler.
  static const mas_message* current() { return innermost_ == nullptr ? nullptr : &innermost_->message_; }

  OwnContext set_by_handler;  ///< mas_trace_set()

 private:
  static inline thread_local Cause* innermost_ = nullptr;
  const mas_message& message_;
  Cause* before_;
};

/// @return what mas_trace_set() sets for the calling thread: while the innermost handler runs, or until the next set.
OwnContext& thread_context();

/// The thread runs what does not belong to its handler, such as the callback of a direct request: what is sent
/// meanwhile has no cause, and no context of the thread.
class WithoutCause {
 public:
  WithoutCause();
  ~WithoutCause();
  WithoutCause(const WithoutCause&) = delete;
  WithoutCause& operator=(const WithoutCause&) = delete;

 private:
  Cause* const cause_;
  OwnContext context_;
};

/// Writes into `meta` what a message of `sender` takes over from its cause. @param chain memory for `meta.chain`.
void pass_on(const mas_message& cause, std::string_view sender, EnvelopeMeta& meta, std::string& chain);

/// Writes into `meta` what the reply to `request` takes over.
void pass_back(const mas_message& request, EnvelopeMeta& meta);

/// Writes into `meta` the trace context of a message. @param request that it replies to; null: it is no reply.
void pass_trace(const mas_message* request, EnvelopeMeta& meta);

}  // namespace mas::sdk
