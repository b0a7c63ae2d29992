// libuv handles as C++ objects: timer, next round, wake-up and before-poll hook.
//
// Ownership: the object owns its handle and may be destroyed at any time on the loop's thread, also from inside its own
// callback; the callback never runs after that. The handle's memory is freed in libuv's close callback only, so a loop
// must be run once more (uv_run until it returns 0) before uv_loop_close.
// Threading: loop thread only, except Wakeup::signal.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas::redis {

/// Makes a loop. libuv aborts the process when it finds no descriptor for its first one: that there are some is seen to
/// before. @return kNoMemory, and nothing is left to be closed.
Status init_loop(uv_loop_t& loop);

class Timer {
 public:
  Timer(uv_loop_t* loop, std::function<void()> fn);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Fires once after `delay` (rounded up to a millisecond); replaces an earlier arming.
  void once(Duration delay);
  /// Fires every `period`, first after one period.
  void every(Duration period);
  void stop();
  bool armed() const;
  /// A timer that is not referenced does not keep uv_run going.
  void unref();

 private:
  struct Handle;
  Handle* handle_;
};

/// Runs once in the loop's next round, which does not wait, when I/O has had its turn: for long work that is done in
/// slices (uv_idle_t). A timer of zero that is set in its own callback fires again before the loop polls.
class NextRound {
 public:
  NextRound(uv_loop_t* loop, std::function<void()> fn);
  ~NextRound();
  NextRound(const NextRound&) = delete;
  NextRound& operator=(const NextRound&) = delete;

  void request();
  void cancel();

 private:
  struct Handle;
  Handle* handle_;
};

/// Runs once before the loop next waits for I/O, however often it was asked for: where writes that were queued by
/// callbacks go out together. After the callbacks of one poll (uv_check_t) or, asked for elsewhere, right before the
/// next (uv_prepare_t); the loop's time-out is 0 until then (uv_idle_t), also for who polls uv_backend_fd.
class BeforePoll {
 public:
  BeforePoll(uv_loop_t* loop, std::function<void()> fn);
  ~BeforePoll();
  BeforePoll(const BeforePoll&) = delete;
  BeforePoll& operator=(const BeforePoll&) = delete;

  void request();
  void cancel();

 private:
  struct Handle;
  Handle* handle_;
};

/// Wakes a loop from any thread (uv_async_t): signals coalesce, the callback runs on the loop's thread.
class Wakeup {
 public:
  Wakeup(uv_loop_t* loop, std::function<void()> fn);
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Threading: any thread, while the object lives.
  void signal();
  void unref();

 private:
  struct Handle;
  Handle* handle_;
};

}  // namespace mas::redis
