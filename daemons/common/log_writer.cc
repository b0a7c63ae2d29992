// The thread between the log and standard error.
#include "daemons/common/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "proto/base/thread.h"

namespace mas::common {
namespace {

constexpr Duration kLastWords = std::chrono::seconds(1);

bool writable(int fd, int timeout_ms) {
  pollfd wanted{fd, POLLOUT, 0};
  return poll(&wanted, 1, timeout_ms) == 1;
}

/// @return the bytes that could not be written, none if all were. Waits for as long as it takes.
std::string_view write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t size = ::write(fd, bytes.data(), bytes.size());
    if (size > 0)
      bytes.remove_prefix(static_cast<size_t>(size));
    else if (size < 0 && errno == EAGAIN)  // somebody else made the descriptor non-blocking
      writable(fd, -1);
    else if (size < 0 && errno != EINTR)
      break;
  }
  return bytes;
}

uint64_t lines_in(std::string_view text) { return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

struct LogWriter::Shared {
  Shared(int f, std::function<std::string(uint64_t)> t) : fd(f), tell_dropped(std::move(t)) {}

  void serve();
  bool settled() const { return waiting.empty() && dropped_since == 0 && !writing; }

  const int fd;
  const std::function<std::string(uint64_t)> tell_dropped;
  std::atomic<uint64_t> dropped{0};
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  std::string waiting;
  uint64_t dropped_since = 0;  // since the last line that told of it
  bool writing = false;
  bool closing = false;
};

void LogWriter::Shared::serve() {
  std::unique_lock lock(mutex);
  std::string batch;
  for (;;) {
    changed.wait(lock, [this] { return closing || !waiting.empty() || dropped_since > 0; });
    if (waiting.empty() && dropped_since == 0) return;
    batch.clear();
    batch.swap(waiting);
    const uint64_t missing = std::exchange(dropped_since, 0);
    writing = true;
    lock.unlock();
    if (missing > 0) batch += tell_dropped(missing) + "\n";
    dropped += lines_in(write_all(fd, batch));
    lock.lock();
    writing = false;
    changed.notify_all();
  }
}

LogWriter::LogWriter(int fd, std::function<std::string(uint64_t)> tell_dropped)
    : shared_(std::make_shared<Shared>(fd, std::move(tell_dropped))) {}

LogWriter::~LogWriter() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(shared_->mutex);
  shared_->closing = true;
  shared_->changed.notify_all();
  const bool done = shared_->changed.wait_for(lock, kLastWords, [this] { return shared_->settled(); });
  lock.unlock();
  done ? thread_.join() : thread_.detach();
}

void LogWriter::write(std::string_view line) {
  if (!thread_.joinable()) {
    auto thread = start_thread("mas-log", [shared = shared_] { shared->serve(); });
    if (thread) thread_ = std::move(*thread);
  }
  std::lock_guard lock(shared_->mutex);
  if (!thread_.joinable()) {
    const std::string whole = std::string(line) + "\n";
    bool written = writable(shared_->fd, 0) && write_all(shared_->fd, whole).empty();
    if (!written) ++shared_->dropped;
    return;
  }
  if (shared_->dropped_since > 0 || shared_->waiting.size() + line.size() >= kMaxWaitingLogBytes) {
    ++shared_->dropped_since;
    ++shared_->dropped;
    return;
  }
  shared_->waiting.append(line).push_back('\n');
  shared_->changed.notify_all();
}

uint64_t LogWriter::dropped() const { return shared_->dropped.load(); }

}  // namespace mas::common
