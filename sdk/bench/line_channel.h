// Lines of text over a descriptor: how a benchmark's processes talk to each other.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::ctl {

class LineChannel {
 public:
  /// Takes the descriptor over.
  explicit LineChannel(int fd) : fd_(fd) {}
  ~LineChannel();
  LineChannel(LineChannel&& other) noexcept;
  LineChannel& operator=(LineChannel&&) = delete;

  /// @param line without its line break.
  Status write_line(std::string_view line);
  /// @return the next line; kConnectionLost at the end; kTimeout; kCancelled when a signal came.
  Result<std::string> read_line(Duration timeout);

 private:
  int fd_;
  std::string buffered_;
};

}  // namespace mas::ctl
