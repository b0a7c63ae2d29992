// Which threads work in the library just now, and whether any may: what exit() and fork() mean for libmas.
//
//     usable ──exit()──▶ ending   for good: what the library stands on is being taken down
//        └─────fork(), in a child that has agents──▶ forked   for good: no I/O thread, and the parent's connections
//
// Happy path: every call of the C interface is a Stay, every turn of the I/O loop is one, and what may take long
// (waits, the application's callbacks) is an Absence within. exit() refuses new stays and waits until the present ones
// are over, so that static objects and libraries go only when nobody uses them any more; a thread that comes back from
// an absence then stops for good.
// Failure: a stay is refused; a stay that lasts (a debug callback that hangs) is waited for one second.
// Threading: any thread. A stay also holds back the thread's cancellation: one that was cancelled in the midst of a
// write would leave queues and locks behind.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <utility>

#include "proto/base/result.h"

namespace mas::sdk {

enum class ProcessState : uint8_t { kUsable, kForked, kEnding };

namespace presence {

/// What is known of one thread.
struct Thread {
  std::atomic<uint32_t> moves{0};            ///< in and out of the library: odd while it is present
  int cancel_state = PTHREAD_CANCEL_ENABLE;  ///< the application's, outside of the stay; this thread only
  Thread* next = nullptr;                    ///< guarded by the list's lock
};

inline std::atomic<ProcessState> state{ProcessState::kUsable};
inline std::atomic<bool> quiet{false};

/// @return the calling thread's entry.
Thread& self();
/// Where a thread stays that must not go on.
[[noreturn]] void stop_here();

inline bool present(const Thread& thread) { return (thread.moves.load(std::memory_order_relaxed) & 1) != 0; }
/// Sequentially consistent, as the state is: exit() sees the thread and waits for it, or the thread sees that exit()
/// began.
/// @return whether it may come; if not, it has to go again.
inline bool come(Thread& thread) {
  thread.moves.fetch_add(1);
  return state.load() == ProcessState::kUsable;
}
inline void go(Thread& thread) {
  thread.moves.store(thread.moves.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}
inline void set_cancel_state(int value) {
  int ignored;
  pthread_setcancelstate(value, &ignored);
}

}  // namespace presence

inline bool library_usable() { return presence::state.load() == ProcessState::kUsable; }
/// @return why a stay was refused.
Error stay_refused();
/// @return whether the process has begun to end: the application's debug callback is not to be called any more.
inline bool process_is_quiet() { return presence::quiet.load(std::memory_order_relaxed); }

/// The calling thread works in the library. Refused within another one: in the application's debug callback.
class Stay {
 public:
  Stay() : thread_(presence::self()), nested_(presence::present(thread_)), outer_state_(thread_.cancel_state) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &thread_.cancel_state);
    if (nested_) return;
    allowed_ = presence::come(thread_);
    if (!allowed_) presence::go(thread_);
  }
  ~Stay() {
    if (allowed_) presence::go(thread_);
    presence::set_cancel_state(std::exchange(thread_.cancel_state, outer_state_));
  }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;

  /// @return false: touch nothing of the library.
  explicit operator bool() const { return allowed_; }

 private:
  presence::Thread& thread_;
  const bool nested_;
  const int outer_state_;
  bool allowed_ = false;
};

/// Within a stay, the calling thread does something that may take long and uses nothing that goes at exit().
class Absence {
 public:
  Absence() : thread_(presence::self()), counts_(presence::present(thread_)) {
    if (counts_) presence::go(thread_);
  }
  ~Absence() {
    if (!counts_ || presence::come(thread_) || presence::state.load() != ProcessState::kEnding) return;
    presence::go(thread_);
    presence::stop_here();
  }
  Absence(const Absence&) = delete;
  Absence& operator=(const Absence&) = delete;

 protected:
  presence::Thread& thread_;

 private:
  const bool counts_;
};

/// An absence in which the thread may be cancelled, if the application lets it.
class Cancellable : public Absence {
 public:
  Cancellable() { presence::set_cancel_state(thread_.cancel_state); }
  ~Cancellable() { presence::set_cancel_state(PTHREAD_CANCEL_DISABLE); }
};

/// Calls a function of the application's. Whoever calls looks at library_usable() before it goes on: the function may
/// have forked, and returned in the child.
template <typename Fn, typename... Args>
auto call_out(Fn* fn, Args... args) {
  Cancellable outside;
  return fn(args...);
}

/// Counts an agent: a child of a process that has agents is of no use.
class Counted {
 public:
  Counted();
  ~Counted();
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};

/// From now on exit() ends the calls of debug callbacks before it does anything that was asked for earlier. Idempotent.
void quieten_at_exit();

}  // namespace mas::sdk
