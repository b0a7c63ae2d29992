// Whether a reader may read, and who is told: the call of listen() that waits for it, or, when reading was possible and
// is not any more, the session.
//
//     off ──begin()──▶ deaf ◀──────lost()────── every state below
//                       │ trying(), while somebody waits
//                       ▼
//                     trying ──passed()──▶ hearing ──came_up()──▶ up
//
// The reader makes the links and tries its rights; this class knows how far it has come. A reader that has tried its
// rights before may pass from deaf to hearing at once.
// Happy path: wait() ─▶ trying() ─▶ passed(), which tells whoever waits ─▶ came_up(), once the agent is registered.
// Failure modes:
//   lost() while somebody waits   that call fails, and nobody else is told
//   lost() while hearing or up    the session is told, once; it waits again
//   lost() while deaf             nobody is told
// Threading: the I/O thread. Ownership: the reader's.
#pragma once

#include <functional>
#include <utility>

#include "proto/base/state_machine.h"
#include "sdk/src/core/mode_host.h"

namespace mas::sdk {

class Listening {
 public:
  explicit Listening(ModeHost& host) : host_(host) {}

  /// @return whether there are no links.
  bool off() const { return state_.is(State::kOff); }
  /// @return whether rights are to be tried as soon as the links allow.
  bool wanted() const { return state_.is(State::kDeaf) && told_; }
  bool is_trying() const { return state_.is(State::kTrying); }
  /// @return whether it may read, be the agent up or not.
  bool hearing() const { return state_.get() >= State::kHearing; }
  /// @return whether it reads.
  bool up() const { return state_.is(State::kUp); }

  /// Links are being made.
  void begin() { state_.to(State::kDeaf); }
  /// @param told called once with how it ended; at once where the reader hears already.
  /// @return false: it was called.
  bool wait(std::function<void(Status)> told) {
    told_ = std::move(told);
    if (!hearing()) return true;
    tell(Status());
    return false;
  }
  void wait_no_more() { told_ = nullptr; }
  void trying() { state_.to(State::kTrying); }
  /// The trial is over and settles nothing alone: passed() follows, or another trial.
  void tried() { state_.to(State::kDeaf); }
  void passed() {
    state_.to(State::kHearing);
    tell(Status());
  }
  /// The agent is registered.
  void came_up() {
    if (state_.is(State::kHearing)) state_.to(State::kUp);
  }
  /// The link is lost, or Redis refused what reading takes.
  void lost(const Error& why) {
    const bool heard = hearing();
    if (!state_.is(State::kDeaf)) state_.to(State::kDeaf);
    if (told_) return tell(why);
    if (heard) host_.on_receiving_lost(why);
  }
  /// There are no links any more; nobody is told.
  void end() {
    told_ = nullptr;
    if (!off()) state_.to(State::kOff);
  }

 private:
  enum class State : uint8_t { kOff, kDeaf, kTrying, kHearing, kUp };
  static constexpr auto kMoves = transitions<State>({{State::kOff, State::kDeaf},
                                                     {State::kDeaf, State::kTrying},
                                                     {State::kDeaf, State::kHearing},
                                                     {State::kDeaf, State::kOff},
                                                     {State::kTrying, State::kHearing},
                                                     {State::kTrying, State::kDeaf},
                                                     {State::kTrying, State::kOff},
                                                     {State::kHearing, State::kUp},
                                                     {State::kHearing, State::kDeaf},
                                                     {State::kHearing, State::kOff},
                                                     {State::kUp, State::kDeaf},
                                                     {State::kUp, State::kOff}});

  void tell(const Status& heard) {
    if (told_) std::exchange(told_, nullptr)(heard);
  }

  ModeHost& host_;
  StateMachine<State> state_{State::kOff, kMoves};
  std::function<void(Status)> told_;
};

}  // namespace mas::sdk
