// poll(2), read(2), and what is left over for the next line.
#include "sdk/bench/line_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sdk/masctl/cli/interrupt.h"

namespace mas::ctl {

LineChannel::~LineChannel() {
  if (fd_ >= 0) close(fd_);
}

LineChannel::LineChannel(LineChannel&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffered_(std::move(other.buffered_)) {}

Status LineChannel::write_line(std::string_view line) {
  std::string bytes = std::string(line) + "\n";
  std::string_view rest = bytes;
  while (!rest.empty()) {
    ssize_t written = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error{Errc::kConnectionLost, "a process of the benchmark ended"};
    rest.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<std::string> LineChannel::read_line(Duration timeout) {
  MonoTime deadline = mono_now() + timeout;
  for (;;) {
    size_t end = buffered_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      return line;
    }
    if (interrupted()) return Error{Errc::kCancelled, "interrupted"};
    int64_t left = to_millis(deadline - mono_now());
    pollfd wait{fd_, POLLIN, 0};
    int ready = left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(left));
    if (ready == 0) return Error{Errc::kTimeout, "a process of the benchmark did not answer in time"};
    if (ready < 0) continue;  // a signal: looked at above
    char chunk[16384];
    ssize_t got = read(fd_, chunk, sizeof chunk);
    if (got <= 0) return Error{Errc::kConnectionLost, "a process of the benchmark ended"};
    buffered_.append(chunk, static_cast<size_t>(got));
  }
}

}  // namespace mas::ctl
