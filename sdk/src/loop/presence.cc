// The list of threads, and what happens at exit() and in a child of fork().
#include "sdk/src/loop/presence.h"

#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "proto/base/clock.h"
#include "proto/base/utf8.h"
#include "proto/redis/tls.h"

namespace mas::sdk {
namespace presence {
namespace {

constexpr Duration kPatience = std::chrono::seconds(1);
constexpr timespec kLook{0, 100'000};

/// Never destroyed: threads come and go until the process is gone. Entries are kept for threads to come.
struct Threads {
  std::mutex mutex;
  Thread* first = nullptr;
  Thread* unused = nullptr;
  Threads* of_parent = nullptr;  // in a child of fork(): what is left of the parent's
};
constinit Threads* threads = nullptr;  // made when the library is loaded
pthread_key_t ends_of_threads;
thread_local Thread* own = nullptr;
std::atomic<unsigned> agents{0};

/// The thread that has this entry ends.
void dismiss(void* entry) {
  std::lock_guard lock(threads->mutex);
  for (Thread** at = &threads->first; *at != nullptr; at = &(*at)->next) {
    if (*at != entry) continue;
    Thread* thread = *at;
    *at = thread->next;
    thread->next = std::exchange(threads->unused, thread);
    break;
  }
  own = nullptr;
}

Thread* enrol() {
  std::lock_guard lock(threads->mutex);
  Thread* thread = threads->unused;
  if (thread != nullptr)
    threads->unused = thread->next;
  else
    thread = new Thread;
  thread->cancel_state = PTHREAD_CANCEL_ENABLE;
  thread->next = std::exchange(threads->first, thread);
  pthread_setspecific(ends_of_threads, thread);
  return thread;
}

/// Until every other thread has been absent at some moment. Threads that are present do not need the lock.
void await_absence() {
  const MonoTime end = mono_now() + kPatience;
  std::lock_guard lock(threads->mutex);
  for (Thread* thread = threads->first; thread != nullptr; thread = thread->next) {
    const uint32_t moves = thread->moves.load();
    if (thread == own || moves % 2 == 0) continue;
    while (thread->moves.load() == moves && mono_now() < end) nanosleep(&kLook, nullptr);
  }
}

void fall_quiet() {
  quiet.store(true);
  if (state.load() == ProcessState::kUsable) await_absence();
}

void end() {
  ProcessState expected = ProcessState::kUsable;
  if (state.compare_exchange_strong(expected, ProcessState::kEnding)) await_absence();
}

/// The threads that were in the list are not in the child.
void forked() {
  auto* none = new Threads;
  none->of_parent = threads;
  threads = none;
  if (agents.load() > 0)
    state.store(ProcessState::kForked);
  else
    own = nullptr;
}

/// When the library is loaded, since what is asked for first runs last at exit(): end() comes after the static objects
/// of the application and its functions for atexit(), which may still stop agents. What the library uses must have
/// asked before: simdjson's objects are made at their first use; OpenSSL asked earlier, or never does.
__attribute__((constructor(101))) void watch_process() {
  threads = new Threads;
  redis::keep_tls_at_exit();
  static_cast<void>(is_valid_utf8("simdjson"));
  bool watched = pthread_key_create(&ends_of_threads, dismiss) == 0 && std::atexit(end) == 0 &&
                 pthread_atfork(nullptr, nullptr, forked) == 0;
  if (!watched) std::abort();
}

}  // namespace

Thread& self() {
  if (own == nullptr) own = enrol();
  return *own;
}

void stop_here() {
  for (;;) pause();
}

}  // namespace presence

Error stay_refused() {
  const char* why = "called from the debug callback";
  if (presence::state.load() == ProcessState::kForked)
    why = "this process was forked from a process with agents and may not use libmas";
  if (presence::state.load() == ProcessState::kEnding) why = "the process is ending";
  return {Errc::kInvalidState, why};
}

Counted::Counted() { ++presence::agents; }
Counted::~Counted() { --presence::agents; }

void quieten_at_exit() {
  static const int registered = std::atexit(presence::fall_quiet);
  static_cast<void>(registered);
}

}  // namespace mas::sdk
