// Removes the streams of one agent that stopped long ago, on a cluster, where they are in the slots of all partitions
// (proto/wire/forget_agent.h).
//
//     idle ──forget()──▶ agent ──not there──▶ lanes ──would──▶ others ──all went──▶ first ──▶ idle, done
//                          └──registered, alive──┴──kept──────────┴───────────────────────────▶ idle, done
//
// Happy path: the script in the agent's slot, then one for each partition looks; then those of the other partitions
// remove, and at last that of partition 0.
// Failure modes: an answer is an error or does not come, or the look took longer than kForgetWithin: done with the
// error. What was removed until then was empty; gateways still know the agent by the streams of partition 0.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside `done`.
#pragma once

#include <functional>
#include <string>

#include "proto/base/result.h"
#include "proto/base/state_machine.h"
#include "proto/redis/client.h"
#include "proto/wire/forget_agent.h"

namespace mas::gateway {

class ForgetOp {
 public:
  using Done = std::function<void(const Result<ForgetState>&)>;
  enum class State : uint8_t { kIdle, kAgent, kLanes, kOthers, kFirst };

  ForgetOp(redis::Client& redis, const Keys& keys, Done done);
  ~ForgetOp() { redis_.forget(this); }
  ForgetOp(const ForgetOp&) = delete;
  ForgetOp& operator=(const ForgetOp&) = delete;

  /// While idle. @param partitions how many there are. @param kept how long the streams stay after the agent's stop.
  void forget(std::string id, unsigned partitions, Duration kept);
  /// Ends it without a call to `done`.
  void cancel();

 private:
  void ask_lanes(State state, unsigned from, unsigned to);
  void send(State state, const redis::Command& command);
  void on_reply(uint64_t tag, const redis::Answer& answer);
  void advance();
  bool too_late();
  void finish(const Result<ForgetState>& result);

  redis::Client& redis_;
  const Keys& keys_;
  const Done done_;
  StateMachine<State> state_;
  std::string id_;
  unsigned partitions_ = 0;
  Duration kept_{};
  MonoTime looked_{};  // when the look began
  size_t due_ = 0;     // answers
  ForgetParts parts_;
};

}  // namespace mas::gateway
