// Writes an agent's registry entry and this instance's lease, in one transaction, and announces it.
//
//     idle ──▶ registering ──EXEC──▶ done (and PUBLISH REGISTER)
//                   │                  ▲
//                   └─▶ reading the token: another instance wrote it
//
// The outcome is the token that the entry has. The transaction asks how long it is; only then it is read.
// Failure: kTooLarge for a token past the limit; Redis's own words when it refuses a command; nothing is announced
// then.
#pragma once

#include "proto/base/secret.h"
#include "proto/base/state_machine.h"
#include "sdk/src/core/op.h"

namespace mas::sdk {

class RegisterOp final : public OpWith<Result<Secret>> {
 public:
  /// kStart: the agent starts. kAgain: after a loss; what others wrote meanwhile stays.
  /// kActivate: as kAgain, but the entry becomes ACTIVE.
  enum class Occasion : uint8_t { kStart, kAgain, kActivate };

  RegisterOp(OpHost& host, Occasion occasion, Done done);
  void begin() override;

 private:
  enum class State : uint8_t { kIdle, kRegistering, kReadingToken, kDone };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kRegistering},
                                                     {State::kRegistering, State::kReadingToken},
                                                     {State::kRegistering, State::kDone},
                                                     {State::kReadingToken, State::kDone}});

  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  void registered(const redis::Reply& results);
  void read_token(int64_t length);
  void take_token(const redis::Reply& token);
  void announce(Secret token);
  redis::Command entry() const;
  std::string entry_key() const;

  const Occasion occasion_;
  const Secret offered_token_;  // the entry's, if it has none yet
  StateMachine<State> state_{State::kIdle, kMoves};
};

}  // namespace mas::sdk
