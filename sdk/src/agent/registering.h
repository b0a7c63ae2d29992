// The steps that register an agent, from connections that work to an entry in the registry.
//
//     idle ──begin()──▶ preparing ──▶ listening ──▶ loading the state ──▶ writing the entry ──▶ idle, `done`
//       ▲                   └─────────────┴───────────────┴──────────────────────┤
//       └────────────a step failed or fail(): `done`; abandon(): nobody is told──┘
//
// Happy path: what the mode needs is made, the mode hears (nobody discovers an agent that does not), the state is
// loaded, the entry and the lease are written. The state is loaded at the first start only: what is lost later is not
// written again.
// Failure modes:
//   a step failed               told to `done`, which says when to begin again
//   the links are lost, stop    abandon(): the step under way ends, and `done` is not called
// Threading: the I/O thread. Ownership: the session's; the operations are the host's.
#pragma once

#include <functional>
#include <memory>

#include "proto/base/clock.h"
#include "proto/base/secret.h"
#include "proto/base/state_machine.h"
#include "sdk/src/agent/register_op.h"
#include "sdk/src/agent/shared.h"
#include "sdk/src/core/op.h"

namespace mas::sdk {

class Registering {
 public:
  /// @param done called with how each begin() ended: with the token of the entry, or why not.
  Registering(OpHost& host, AgentShared& agent, std::function<void(const Result<Secret>& token)> done)
      : host_(host), agent_(agent), done_(std::move(done)) {}

  void begin();
  /// Ends the operation under way with an error, which `done` is told. @return false: none is under way.
  bool fail(const Error& why);
  void abandon(const Error& why);
  /// Of the next begin(); kAgain after each success.
  void set_occasion(RegisterOp::Occasion occasion) { occasion_ = occasion; }

  /// @return whether a registration was sent: there may be something to take back.
  bool claimed() const { return claimed_; }
  /// @return when the last registration was sent.
  MonoTime sent_at() const { return sent_at_; }

 private:
  enum class State : uint8_t { kIdle, kPreparing, kListening, kLoading, kWriting };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kPreparing},
                                                     {State::kPreparing, State::kListening},
                                                     {State::kPreparing, State::kIdle},
                                                     {State::kListening, State::kLoading},
                                                     {State::kListening, State::kWriting},
                                                     {State::kListening, State::kIdle},
                                                     {State::kLoading, State::kWriting},
                                                     {State::kLoading, State::kIdle},
                                                     {State::kWriting, State::kIdle}});

  void run(std::unique_ptr<Op> op);
  bool may_go_on(const Status& status);
  void listen();
  void load_state();
  void write_entry();
  void end(const Result<Secret>& token);

  OpHost& host_;
  AgentShared& agent_;
  const std::function<void(const Result<Secret>&)> done_;
  StateMachine<State> state_{State::kIdle, kMoves};
  Op* op_ = nullptr;  // under way
  RegisterOp::Occasion occasion_ = RegisterOp::Occasion::kStart;
  bool claimed_ = false;
  MonoTime sent_at_{};
};

}  // namespace mas::sdk
