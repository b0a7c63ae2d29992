// One beat: writes the heartbeat, renews the instance's lease, and looks whether the registration is still there.
//
//     beating ──the status is as long as ACTIVE───▶ done: kRegistered
//        │ OOM                      │ there is none, or it is as long as INACTIVE
//        ▼                          ▼
//     extending (PEXPIRE) ──▶ done  asking status and healthd ──▶ done: kLost when the entry is gone,
//                                                                 kInactive when it says so and nobody judges
//     What ended before its time (Redis's clock was set forward) is noticed: a heartbeat is written at once, and the
//     lease is not steady for a while (LeaseProof).
//     What Redis refuses otherwise, or cannot extend any more, is an error: the beat was not made.
//
// Why PEXPIRE: out of memory, Redis refuses SET but still extends a key. Why healthd is asked: an active one holds
// flapping agents INACTIVE on purpose; without one nobody would ever set the agent ACTIVE again. The length of the
// status is asked first, since anybody can make it 512 MiB long.
#pragma once

#include <optional>

#include "proto/base/state_machine.h"
#include "sdk/src/core/op.h"

namespace mas::sdk {

enum class Registration : uint8_t { kRegistered, kLost, kInactive };

class BeatOp final : public OpWith<Result<Registration>> {
 public:
  struct Due {
    bool heartbeat;
    bool lease;
  };
  BeatOp(OpHost& host, Due due, Done done) : OpWith(host, std::move(done)), due_(due) {}
  void begin() override;

 private:
  enum class State : uint8_t { kBeating, kExtending, kAsking, kDone };
  static constexpr auto kMoves = transitions<State>({{State::kBeating, State::kExtending},
                                                     {State::kBeating, State::kAsking},
                                                     {State::kBeating, State::kDone},
                                                     {State::kExtending, State::kDone},
                                                     {State::kAsking, State::kDone}});
  enum Tag : uint64_t { kWrite, kStatus = 50, kHealthd, kExtension = 60, kStatusLength = 100 };

  void on_reply(uint64_t tag, const redis::Answer& answer) override;
  void take_write(uint64_t tag, const redis::Reply& reply);
  void judge(const redis::Reply& length);
  void extend();
  void ask();
  void take_answer(uint64_t tag, const redis::Reply& reply);
  void end(Registration registration);

  const Due due_;
  uint64_t lease_tag_ = UINT64_MAX, heartbeat_tag_ = UINT64_MAX;  // that tell whether it was still there
  bool out_of_memory_ = false;
  std::optional<bool> inactive_, judged_;  // the entry, and whether a healthd judges it
  StateMachine<State> state_{State::kBeating, kMoves};
};

}  // namespace mas::sdk
