// Waiting as the C API has it: time-outs in milliseconds, negative for ever, and descriptors that wake a waiter.
#pragma once

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>

#include "proto/base/clock.h"

namespace mas::sdk {

inline Duration duration_of(int timeout_ms) { return std::chrono::milliseconds(timeout_ms); }

/// The end of a time-out that several steps share.
class Deadline {
 public:
  explicit Deadline(int timeout_ms) : Deadline(duration_of(timeout_ms)) {}
  explicit Deadline(Duration timeout) : never_(timeout < Duration::zero()), at_(mono_now() + timeout) {}

  bool passed() const { return !never_ && mono_now() >= at_; }
  /// Negative: for ever.
  Duration left() const {
    return never_ ? Duration(-1) : std::max(std::chrono::duration_cast<Duration>(at_ - mono_now()), Duration::zero());
  }
  /// Rounded up, for poll(2).
  int left_ms() const {
    if (never_) return -1;
    return static_cast<int>(std::min<int64_t>(to_millis(left() + std::chrono::microseconds(999)), INT_MAX));
  }

 private:
  bool never_;
  MonoTime at_;
};

/// Async-signal-safe. A full counter is readable already, so a failed write changes nothing.
inline void wake_descriptor(int fd) {
  int before = errno;
  uint64_t one = 1;
  ssize_t written = write(fd, &one, sizeof one);
  static_cast<void>(written);
  errno = before;
}

inline void clear_descriptor(int fd) {
  uint64_t count;
  ssize_t got = read(fd, &count, sizeof count);  // fails only when it was not readable
  static_cast<void>(got);
}

/// Returns when `fd` is readable, on a signal, or after `timeout_ms`.
inline void wait_readable(int fd, int timeout_ms) {
  pollfd wanted{fd, POLLIN, 0};
  poll(&wanted, 1, timeout_ms);
}

}  // namespace mas::sdk
