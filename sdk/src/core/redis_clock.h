// Redis's time, as this host knows it: its own clock and the difference that was measured.
//
// Why: gateways judge timestamps and deadlines by Redis's clock. What an agent sends carries Redis's time, so a host
// whose clock is wrong is not refused for it.
// Happy path: measured() takes each answer to TIME. An answer that agrees with what is known, within the uncertainty of
// its own round trip, changes nothing: on a host whose clock is right the difference stays 0.
// Failure modes: before the first answer, or where the user may not run TIME, it is this host's own clock. A clock that
// is stepped counts as it is until the next answer.
// Threading: measured() on the I/O thread; the rest on any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>

#include "proto/base/clock.h"

namespace mas::sdk {

class RedisClock {
 public:
  /// @param local by this host's clock. @return the same moment by Redis's.
  WallMicros of(WallMicros local) const { return local + ahead_.load(std::memory_order_relaxed); }

  /// @param theirs by Redis's clock, read somewhen in the `round_trip` that ended at `local`.
  void measured(WallMicros theirs, WallMicros local, Duration round_trip) {
    const WallMicros uncertain = std::chrono::duration_cast<std::chrono::microseconds>(round_trip).count() / 2;
    const WallMicros ahead = theirs - (local - uncertain);
    if (std::abs(ahead - ahead_.load(std::memory_order_relaxed)) > uncertain + kTick)
      ahead_.store(ahead, std::memory_order_relaxed);
  }

  /// @return by how much Redis's clock is ahead of this host's, in microseconds.
  WallMicros ahead() const { return ahead_.load(std::memory_order_relaxed); }

 private:
  static constexpr WallMicros kTick = 1000;  // the clocks drift by less between two answers

  std::atomic<WallMicros> ahead_{0};
};

/// @return "this host's clock is 601 s behind Redis's".
inline std::string describe_ahead(WallMicros ahead) {
  const WallMicros seconds = (std::abs(ahead) + 500'000) / 1'000'000;
  return "this host's clock is " + std::to_string(seconds) + " s " + (ahead > 0 ? "behind" : "ahead of") + " Redis's";
}

}  // namespace mas::sdk
