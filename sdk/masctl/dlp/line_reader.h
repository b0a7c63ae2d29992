// Lines of a descriptor as they come: a line is told as soon as its end is there, however much more will follow.
//
// Failure: kTooLarge for a line past the limit, whose rest is skipped; the next line is read as ever.
// Threading: none. Ownership: the descriptor stays its owner's.
#pragma once

#include <optional>
#include <string>

#include "proto/base/result.h"

namespace mas::ctl {

class LineReader {
 public:
  LineReader(int fd, size_t most) : fd_(fd), most_(most) {}

  /// @return the next line without its end; nullopt at the end of the input. A last line need not have an end.
  Result<std::optional<std::string>> next();

 private:
  Result<bool> read_more();

  const int fd_;
  const size_t most_;
  std::string buffered_;
  size_t begin_ = 0;  // of what was not returned yet
  bool ended_ = false;
};

}  // namespace mas::ctl
