// Loads an agent's state into the local copy. What is stored is sized before it is read: anybody who may write the hash
// may have made it as large as Redis allows.
//
//     idle ─▶ sizing ──small──────────────────────▶ reading ─▶ done
//               │  └─nothing there─▶ done             ▲
//               └─large, or not to be told─▶ naming ─▶ measuring ─▶ done (too large)
//
// Happy path: HLEN and MEMORY USAGE together, then HGETALL. Where the hash takes more than one value may have, HKEYS
// and HSTRLEN come between.
// Failure modes:
//   more fields, a longer name or a larger value than the limits   kTooLarge, with the key, the field and the bound;
//                                                                  the local copy stays
//   MEMORY USAGE refused or unknown                                HKEYS and HSTRLEN tell as much
//   a field that grew after it was sized                           its bytes are dropped as they come
//                                                                  (ReplyTo::text_bytes)
// Threading: the I/O thread. Ownership: as every Op.
#pragma once

#include <string>
#include <vector>

#include "proto/base/state_machine.h"
#include "sdk/src/core/op.h"

namespace mas::sdk {

class StateLoadOp final : public OpWith<Status> {
 public:
  StateLoadOp(OpHost& host, Done done);
  void begin() override;

 private:
  enum class State : uint8_t { kIdle, kSizing, kNaming, kMeasuring, kReading, kDone };
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kSizing},
                                                     {State::kSizing, State::kReading},
                                                     {State::kSizing, State::kNaming},
                                                     {State::kSizing, State::kDone},
                                                     {State::kNaming, State::kMeasuring},
                                                     {State::kNaming, State::kDone},
                                                     {State::kMeasuring, State::kReading},
                                                     {State::kReading, State::kDone}});

  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  void move(State next, const redis::Command& command, size_t text_bytes);
  void take_count(const redis::Reply& fields);
  void take_memory(const redis::Reply& bytes);
  void take_names(const redis::Reply& names);
  void take_size(size_t i, const redis::Reply& size);
  void take_fields(const redis::Reply& pairs);
  void end(StateMap state);
  void fail(const Error& why) { finish(why.in("loading the state")); }

  const std::string key_;
  StateMachine<State> state_{State::kIdle, kMoves};
  std::vector<std::string> names_;  // being measured
  size_t bytes_ = 0;                // of names and values measured so far
};

}  // namespace mas::sdk
