// Why a thread sends: the message whose handler it runs. What is sent meanwhile passes that message on, and says so in
// its
// `meta` (proto/README.md, "Passing on"), so that a gateway sees work that goes round in a circle.
//
// Happy path: the poller opens a Cause around a handler; compose() asks current() on the same thread. What a handler
// leaves to other threads, or to the callback of a request, has no cause; a gateway's budgets count it all the same.
// Threading: each thread has its own. Ownership: a Cause does not hold the message; it ends before it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proto/wire/envelope.h"
#include "sdk/src/core/message.h"

namespace mas::sdk {

class Cause {
 public:
  explicit Cause(const mas_message& message) : before_(std::exchange(current_, &message)) {}
  ~Cause() { current_ = before_; }
  Cause(const Cause&) = delete;
  Cause& operator=(const Cause&) = delete;

  /// Ends those of the thread that handlers left by longjmp(); `cause` was the current one before.
  static void restore(const mas_message* cause) { current_ = cause; }
  /// @return null: the thread runs no handler.
  static const mas_message* current() { return current_; }

 private:
  static inline thread_local const mas_message* current_ = nullptr;
  const mas_message* before_;
};

/// Writes into `meta` what a message of `sender` takes over from its cause. @param chain memory for `meta.chain`.
void pass_on(const mas_message& cause, std::string_view sender, EnvelopeMeta& meta, std::string& chain);

/// Writes into `meta` what the reply to `request` takes over.
void pass_back(const mas_message& request, EnvelopeMeta& meta);

}  // namespace mas::sdk
