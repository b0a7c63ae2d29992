// Checks Redis's clock in every batch of reads whose keys may have expired too soon, before their results are used.
//
// Happy path: a batch begins with TIME; its answer goes to take(), and `stepped` is called before take() returns where
// the clock was set forward since the answer before, whoever asked for that one.
// Failure modes: without the right to TIME nothing is seen.
// Threading: loop thread. Ownership: outlives those who ask.
#pragma once

#include <functional>
#include <utility>

#include "daemons/healthd/clock_step.h"
#include "proto/redis/connection.h"
#include "proto/redis/reply_values.h"

namespace mas::health {

class ServerClock {
 public:
  explicit ServerClock(std::function<void()> stepped) : stepped_(std::move(stepped)) {}

  /// @param answer to TIME. @param sent when it was asked for.
  void take(const redis::Answer& answer, MonoTime sent) {
    if (!answer.ok()) return;
    const auto theirs = redis::time_of(**answer);
    if (theirs && step_.answered(*theirs, sent, mono_now())) stepped_();
  }

 private:
  std::function<void()> stepped_;
  ClockStep step_;
};

}  // namespace mas::health
