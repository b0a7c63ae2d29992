// Beats while the agent is up: its heartbeat and its instance's lease, each when it is due.
//
//     resting ──up()──▶ waiting ──due, or beat_now()──▶ beating (BeatOp) ──▶ waiting
//        ▲                 └──────────down()──────────────┘ │
//        └─────────────────────────────────────────────────┘
//
// Happy path: one beat writes what is due; the listener hears of a lease that was renewed, and of a registration that
// is not what it should be.
// Failure: what Redis did not take is still due, and is tried again soon: the agent looks dead meanwhile. The listener
// hears when it is taken again.
// Threading: the I/O thread. Ownership: the session's, which outlives none of its operations.
#pragma once

#include <memory>
#include <string>

#include "proto/base/backoff.h"
#include "proto/base/clock.h"
#include "proto/redis/loop.h"
#include "sdk/src/agent/beat_op.h"

namespace mas::sdk {

class HeartbeatListener {
 public:
  virtual ~HeartbeatListener() = default;
  /// A beat is about to be sent.
  virtual void on_beating() = 0;
  /// @param sent when the renewal was.
  virtual void on_lease_renewed(MonoTime sent) = 0;
  /// Redis takes heartbeats again.
  virtual void on_beat_recovered() = 0;
  /// The registration is gone, or says INACTIVE.
  virtual void on_registration(Registration found) = 0;
};

class Heartbeat {
 public:
  Heartbeat(OpHost& host, HeartbeatListener& listener);

  /// The agent has just registered, with heartbeat and lease.
  void up();
  void down();
  /// Looks now whether the registration is still there, and writes what is due.
  void beat_now();

 private:
  void plan();
  void ended(BeatOp::Due due, MonoTime begun, const Result<Registration>& result);
  void again(const Error& why);

  OpHost& host_;
  HeartbeatListener& listener_;
  bool up_ = false;
  bool beating_ = false;
  Backoff backoff_;
  std::string trouble_;      // as it was told; empty: none
  MonoTime heartbeat_at_{};  // of the last that Redis took
  MonoTime lease_at_{};
  redis::Timer due_;
};

}  // namespace mas::sdk
