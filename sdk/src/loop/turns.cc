// Turning the loop from several threads, one at a time.
#include "sdk/src/loop/turns.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <utility>

#include "sdk/src/loop/presence.h"

namespace mas::sdk {
namespace {

/// Keeps from the application the SIGPIPE that writing to a closed socket raises on the calling thread.
class SigpipeHeld {
 public:
  SigpipeHeld() : pending_before_(pending()) {
    sigset_t pipe = only_pipe();
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~SigpipeHeld() {
    if (!pending_before_ && pending()) {
      sigset_t pipe = only_pipe();
      timespec at_once{};
      sigtimedwait(&pipe, nullptr, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeHeld(const SigpipeHeld&) = delete;
  SigpipeHeld& operator=(const SigpipeHeld&) = delete;

 private:
  static sigset_t only_pipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
  }
  static bool pending() {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, SIGPIPE) == 1;
  }

  sigset_t before_;
  const bool pending_before_;
};

/// @return the shorter of two time-outs, of which the negative ones are endless.
int shorter(int a, int b) { return a < 0 || (b >= 0 && b < a) ? b : a; }

}  // namespace

Turns::Turn::Turn(Turns& turns) : turns_(turns) {
  if (turns_.turning_.try_lock()) return;
  Absence waiting;
  turns_.turning_.lock();
}

// ---- The I/O thread

void Turns::serve(const std::atomic<bool>& stopping) {
  for (;;) {
    await_absence();
    int timeout = 0;
    {
      Stay stay;
      if (!stay) presence::stop_here();
      Turn turn(*this);
      if (led()) continue;  // a leader that came meanwhile relies on it that nothing happens behind its back
      uv_run(&loop_, UV_RUN_NOWAIT);
      timeout = uv_backend_timeout(&loop_);
    }
    if (stopping) return;
    poll_loop(-1, timeout);
  }
}

bool Turns::led() {
  std::lock_guard lock(mutex_);
  return led_;
}

void Turns::await_absence() {
  std::unique_lock lock(mutex_);
  while (led_) {
    uint64_t term = term_;
    left_.wait_for(lock, kPatience);
    if (term_ != term) continue;
    if (!leading_) {
      led_ = false;
    } else {
      asleep_ = true;
      left_.wait(lock, [this] { return !asleep_; });
    }
  }
}

void Turns::poll_loop(int fd, int timeout_ms) {
  if (timeout_ms == 0) return;
  pollfd wanted[] = {{uv_backend_fd(&loop_), POLLIN, 0}, {fd, POLLIN, 0}};
  poll(wanted, 2, timeout_ms);
}

// ---- The application's threads

bool Turns::lead(int fd, int timeout_ms, const std::function<bool()>& done) {
  if (!enter()) return false;
  struct Leader {
    Turns& turns;
    ~Leader() { turns.leave(); }
  } leader{*this};
  SigpipeHeld held;
  int longest = may_sleep();
  if (!done()) sleep(fd, shorter(longest, timeout_ms));
  Turn turn(*this);
  uv_run(&loop_, UV_RUN_NOWAIT);
  return true;
}

/// A thread that waits for its callbacks (`fd`) may be cancelled meanwhile.
void Turns::sleep(int fd, int timeout_ms) {
  if (timeout_ms == 0) return;
  if (fd >= 0) {
    Cancellable asleep;
    poll_loop(fd, timeout_ms);
  } else {
    Absence asleep;
    poll_loop(fd, timeout_ms);
  }
}

int Turns::may_sleep() {
  Turn turn(*this);
  uv_update_time(&loop_);
  return uv_backend_timeout(&loop_);
}

bool Turns::enter() {
  std::lock_guard lock(mutex_);
  if (leading_ || followers_ > 0) return false;
  led_ = leading_ = true;
  ++term_;
  return true;
}

void Turns::leave() {
  std::lock_guard lock(mutex_);
  leading_ = false;
  if (followers_ > 0) return give_back();
  if (std::exchange(asleep_, false)) left_.notify_one();
}

void Turns::give_back() {
  led_ = asleep_ = false;
  left_.notify_one();
}

void Turns::resume() {
  std::lock_guard lock(mutex_);
  if (led_ && !leading_) give_back();
}

Turns::Follower::Follower(Turns& turns) : turns_(turns) {
  std::lock_guard lock(turns_.mutex_);
  ++turns_.followers_;
  if (turns_.led_ && !turns_.leading_) turns_.give_back();
}

Turns::Follower::~Follower() {
  std::lock_guard lock(turns_.mutex_);
  --turns_.followers_;
}

bool Turns::borrow(const std::function<void()>& task) {
  std::unique_lock turning(turning_, std::try_to_lock);
  if (!turning) return false;
  SigpipeHeld held;
  uv_update_time(&loop_);
  int sleeps = uv_backend_timeout(&loop_);
  task();
  int may_sleep = uv_backend_timeout(&loop_);
  if (shorter(sleeps, may_sleep) != sleeps) interrupt_();
  return true;
}

}  // namespace mas::sdk
