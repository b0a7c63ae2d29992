// Runs an agent's callbacks: takes what has come out of the inbox, finds the function that is set for it, calls it, and
// settles the message.
//
// A handler may be left in other ways than by returning; its message has failed then, and what it held is given back:
//
//   an exception                          call_handler() catches it, and the poll goes on
//   pthread_exit(), pthread_cancel()      the stack is unwound through here, so destructors do it
//   longjmp()                             nothing runs: the next call on that thread finds out, and says jumped_out()
//
// Threading: the thread that has the agent's PollGate, except refuse_messages(), set_callbacks() and callback(): any
// thread. No lock is held while a callback runs. Ownership: the agent's.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sdk/include/mas.h"
#include "sdk/src/agent/shared.h"
#include "sdk/src/core/cause.h"
#include "sdk/src/typed/filled.h"
#include "sdk/src/typed/schema.h"

namespace mas::sdk {

class Agent;

template <typename Fn>
struct Callback {
  Fn fn = nullptr;
  void* user = nullptr;
};

/// Who handles the messages of a type: a function that gets the message, or one that gets its struct, too.
struct MessageHandler {
  Callback<mas_message_fn> plain;
  Callback<mas_typed_fn> typed;
  std::shared_ptr<const Schema> schema;  ///< of `typed`

  bool none() const { return plain.fn == nullptr && typed.fn == nullptr; }
};

struct Callbacks {
  Callback<mas_hook_fn> start, stop;
  Callback<mas_receipt_fn> receipt;
  Callback<mas_connection_fn> connection;
  Callback<mas_overflow_fn> overflow;
  Callback<mas_doubt_fn> doubt;
  MessageHandler fallback;
  std::map<std::string, MessageHandler, std::less<>> by_type;
};

class Dispatcher {
 public:
  Dispatcher(Agent& agent, AgentShared& context) : agent_(agent), context_(context) {}

  /// @param change must not call anything of the agent.
  template <typename Change>
  void set_callbacks(Change&& change) {
    std::lock_guard lock(callbacks_mutex_);
    change(callbacks_);
  }
  /// The C handle, as callbacks get it.
  mas_agent* handle() const;

  /// Runs callbacks of what came before number `end` of the inbox, until the agent is interrupted. @return how many.
  size_t run(uint64_t end);
  /// @return whether nothing that was taken from the inbox is left.
  bool caught_up() const { return taken_done_ == taken_.size(); }
  /// At a stop, while messages can still be sent: the requesters of what was taken from the inbox and is not handled
  /// are told, also of the message whose handler outlives the stop. Any thread.
  void refuse_messages();
  /// After a stop: requests learn their end, and where the mode keeps all, the sender learns what became of its
  /// messages; everything else is forgotten. Messages that were not handled stay pending in their streams. Once a
  /// callback has freed the agent, no other one runs.
  void discard();
  /// @param inside whether the calling thread has the agent's pass. @return what the hook's status means.
  Status call_hook(Callback<mas_hook_fn> Callbacks::*which, const char* name, bool inside);

  /// @param frame of a function that the application called. @return whether it is below the frame that callbacks are
  /// run from.
  bool calls(const void* frame) const;
  /// The callback under way was left by longjmp().
  void jumped_out();

 private:
  template <typename Fn>
  Callback<Fn> callback(Callback<Fn> Callbacks::*which);
  bool run_next();
  bool handle_message(size_t i);
  bool handle(const Receipt& receipt);
  bool handle(const ConnectionChange& change);
  bool handle(const Doubt& doubt);
  bool handle(const Notice& notice);
  bool call_handler(const mas_message& message, mas_status& outcome);
  mas_status call_typed(MessageHandler& handler, const mas_message& message);
  void trace_handling(mas_message& message);
  void handled(const mas_message* message, mas_status outcome);

  Agent& agent_;
  AgentShared& context_;
  std::mutex callbacks_mutex_;
  Callbacks callbacks_;
  std::vector<std::shared_ptr<AsyncRequest>> unheard_;  // ended after the agent was freed: nobody runs their callbacks
  std::mutex taken_mutex_;
  Inbox::Taken taken_;  // what a quit left over stays for the next poll; its messages guarded by taken_mutex_
  size_t taken_done_ = 0;
  // What a callback that never returns would take along with its stack.
  MessagePtr handling_;             // written with taken_mutex_ held
  std::unique_ptr<Filled> filled_;  // the struct of handling_, where its handler is a typed one
  Cause* cause_before_ = nullptr;
  const void* callback_frame_ = nullptr;  // where callbacks are run from
};

}  // namespace mas::sdk
