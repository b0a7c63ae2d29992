// The base of every multi-step flow of a session: replies, deadline, and an end that comes exactly once.
//
// A derived class starts in begin(), stores what on_reply() brings and moves on, and calls finish() on every path.
// finish() silences what is still to come, hands the outcome on, and lets the session delete the operation once the
// stack is back in the loop; so it may be called from anywhere, also from begin().
// Threading: the I/O thread. Ownership: the session's, from launch() on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "proto/redis/client.h"
#include "proto/redis/loop.h"
#include "sdk/src/core/context.h"

namespace mas::sdk {

class Op;

/// What an operation needs of its session.
class OpHost {
 public:
  virtual ~OpHost() = default;
  virtual redis::Client& commands() = 0;
  virtual AgentContext& context() = 0;
  virtual uv_loop_t* loop() = 0;
  /// Takes over an operation and begins it.
  virtual void run(std::unique_ptr<Op> op) = 0;
  /// The operation has ended: is deleted once the stack is back in the loop.
  virtual void retire(Op& op) = 0;
};

class Op {
 public:
  explicit Op(OpHost& host) : host_(host) {}
  virtual ~Op() { host_.commands().forget(this); }
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  virtual void begin() = 0;
  /// Ends the operation with an error.
  virtual void cancel(const Error& why) = 0;
  /// Cancels the operation when it takes longer. @param timeout negative: never.
  void limit(Duration timeout);

 protected:
  virtual void on_reply(uint64_t tag, const redis::Answer& answer) = 0;
  /// Sends commands whose replies come to on_reply with `tag`, `tag + 1`, …
  /// @param text_bytes a longer text in a reply comes as an integer, its length; 0: no bound.
  Status send(const redis::Command& command, uint64_t tag = 0, size_t text_bytes = 0);
  /// The same for commands of any keys that do not depend on each other: on a cluster the replies come in any order.
  Status scatter(const redis::Command& commands, uint64_t tag = 0, size_t text_bytes = 0);
  Status transaction(const redis::Command& body, uint64_t tag = 0);
  void retire();

  OpHost& host_;

  redis::ReplyTo replies(uint64_t tag, size_t text_bytes = 0) {
    return redis::reply_to<&Op::on_reply>(this, tag, text_bytes);
  }

 private:
  std::unique_ptr<redis::Timer> deadline_;
};

/// An operation whose end is an `Outcome`: Status or a Result.
template <typename Outcome>
class OpWith : public Op {
 public:
  using Done = std::function<void(Outcome)>;
  OpWith(OpHost& host, Done done) : Op(host), done_(std::move(done)) {}

  void cancel(const Error& why) override { finish(why); }

 protected:
  void finish(Outcome outcome) {
    if (!done_) return;  // cancelled while the end was on its way
    Done done = std::exchange(done_, nullptr);
    retire();
    done(std::move(outcome));
  }
  bool finished() const { return !done_; }

 private:
  Done done_;
};

}  // namespace mas::sdk
