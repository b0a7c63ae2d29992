// Writes an agent's registry entry and this instance's lease, in one transaction, and announces it.
//
//     loading ──HGETALL state──▶ registering ──EXEC──▶ done (and PUBLISH REGISTER)
//        (first start only)
//
// The outcome is the token that the entry has: another instance may have written it.
// Failure: kTooLarge for a state past the limits; Redis's own words when it refuses a command; nothing is announced then.
#pragma once

#include "proto/base/secret.h"
#include "proto/base/state_machine.h"
#include "sdk/src/op.h"

namespace mas::sdk {

class RegisterOp final : public OpWith<Result<Secret>> {
 public:
  /// kStart: the agent starts, its state is loaded. kAgain: after a loss; what others wrote meanwhile stays.
  /// kActivate: as kAgain, but the entry becomes ACTIVE.
  enum class Mode : uint8_t { kStart, kAgain, kActivate };

  RegisterOp(OpHost& host, Mode mode, Done done) : OpWith(host, std::move(done)), mode_(mode) {}
  void begin() override;

 private:
  enum class State : uint8_t { kIdle, kLoading, kRegistering, kDone };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kLoading},
                                                     {State::kIdle, State::kRegistering},
                                                     {State::kLoading, State::kRegistering},
                                                     {State::kRegistering, State::kDone}});

  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  void load(const redis::Reply& state);
  void register_entry();
  void announce(const redis::Reply& results);
  redis::Command entry() const;

  const Mode mode_;
  StateMachine<State> state_{State::kIdle, kMoves};
};

}  // namespace mas::sdk
