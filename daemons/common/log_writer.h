// Writes log lines to a descriptor, on a thread of its own, so that logging never waits for a slow reader.
//
//     write() ─▶ waiting lines (bounded; full: drop the line, count it) ─▶ thread ─▶ write(2), for as long as it takes
//
// Happy path: a line is written within microseconds, in the order of logging.
// Failure: while nobody reads, lines gather up to the bound. Further lines are dropped, and a line that says how many
// follows those before. Lines that write(2) refuses are dropped as well. Without room for a thread a
// line is written at once where poll(2) says that it can be. The destructor gives what waits one second.
// The descriptor is not made non-blocking: it is shared with whoever else writes to that terminal or pipe.
// Threading: one thread writes, and destroys. Ownership: the thread keeps what it needs, and may outlive the object
// when write(2) does not return.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "proto/base/clock.h"

namespace mas::common {

inline constexpr size_t kMaxWaitingLogBytes = 1024 * 1024;

class LogWriter {
 public:
  /// @param tell_dropped makes the line, without its newline, that says how many lines are missing; on the thread.
  LogWriter(int fd, std::function<std::string(uint64_t)> tell_dropped);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// @param line without its newline.
  void write(std::string_view line);
  /// @return lines dropped since the start.
  uint64_t dropped() const;

 private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;
  std::thread thread_;  // from the first line on
};

}  // namespace mas::common
