// The two clocks: monotonic for durations and deadlines, wall time for timestamps.
//
// Engines take `now` as an argument; only the edges (operations, main loops) call these functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mas {

using Duration = std::chrono::nanoseconds;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// Microseconds since 1970-01-01 UTC.
using WallMicros = int64_t;

inline MonoTime mono_now() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }

inline WallMicros wall_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

inline int64_t to_millis(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

/// Appends seconds with six decimals, "1795350097.286038": the form timestamps have on the wire.
void append_seconds(std::string& out, WallMicros t);

/// Appends RFC 3339 UTC with microseconds, "2026-11-21T05:21:37.286038Z": the form timestamps have in logs.
void append_rfc3339(std::string& out, WallMicros t);

}  // namespace mas
