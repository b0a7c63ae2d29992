// read(2), which returns what there is.
#include "sdk/masctl/dlp/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mas::ctl {

Result<bool> LineReader::read_more() {
  char chunk[65536];
  ssize_t got;
  do {
    got = read(fd_, chunk, sizeof chunk);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return Error{Errc::kInternal, std::string("cannot read: ") + std::strerror(errno)};
  ended_ = got == 0;
  buffered_.append(chunk, static_cast<size_t>(got));
  return !ended_;
}

Result<std::optional<std::string>> LineReader::next() {
  bool too_long = false;
  size_t searched = begin_;
  while (true) {
    size_t end = buffered_.find('\n', searched);
    if (end != std::string::npos || (ended_ && begin_ < buffered_.size())) {
      size_t size = (end == std::string::npos ? buffered_.size() : end) - begin_;
      too_long = too_long || size > most_;
      std::optional<std::string> line = too_long ? std::string() : buffered_.substr(begin_, size);
      begin_ += size + (end == std::string::npos ? 0 : 1);
      if (too_long) return Error{Errc::kTooLarge, "more than " + std::to_string(most_) + " bytes"};
      return line;
    }
    if (ended_) {
      if (too_long) return Error{Errc::kTooLarge, "more than " + std::to_string(most_) + " bytes"};
      return std::optional<std::string>();
    }
    if (buffered_.size() - begin_ > most_) {  // what came so far is of no use
      too_long = true;
      begin_ = buffered_.size();
    }
    buffered_.erase(0, begin_);
    begin_ = 0;
    searched = buffered_.size();
    auto more = read_more();
    if (!more.ok()) return more.error();
  }
}

}  // namespace mas::ctl
