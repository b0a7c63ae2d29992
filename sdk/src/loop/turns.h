// Who turns the I/O loop: the library's own thread, or a thread of the application that has nothing else to do.
//
// A message costs a wake-up for each thread it passes through, and a wake-up costs more than everything else. So a
// thread that would sleep until the I/O thread has something for it turns the loop itself meanwhile, and one that sends
// writes to the socket itself when nobody turns the loop just then.
//
//     served by the I/O thread ──lead() begins──▶ led ◀──lead() begins── absent
//        ▲       ▲                                 │  ──lead() ends────▶   │
//        │       └── ends, and others follow ──────┘                       │
//        └───────────── after kPatience, or by resume() ───────────────────┘
//
// While the loop is led the I/O thread looks every kPatience whether the leader came and went; when it stayed all the
// time, the I/O thread sleeps until it leaves. So the loop stands still for kPatience at most when the application
// turns to something else, a busy leader costs no wake-up per message and an idle one none at all.
// Failure: a leader whose thread is cancelled while it sleeps gives the loop back as any other. Threading: any thread
// but for serve(); code of the loop runs on one thread at a time and sees all that ran before it. Ownership: the
// Runtime's; whoever calls keeps that alive.
#pragma once

#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "proto/base/clock.h"

namespace mas::sdk {

class Turns {
 public:
  /// @param interrupt ends the loop's sleep, from any thread.
  Turns(uv_loop_t& loop, std::function<void()> interrupt) : loop_(loop), interrupt_(std::move(interrupt)) {}

  /// The I/O thread's life.
  void serve(const std::atomic<bool>& stopping);

  /// Turns the loop once, after a sleep that ends when the loop has something to do, `fd` is readable (negative: none)
  /// or `timeout_ms` are over (negative: never); no sleep if `done`. @return false, at once, when another thread leads
  /// or waits for the loop: then become a Follower.
  bool lead(int fd, int timeout_ms, const std::function<bool()>& done);

  /// A thread that waits for what the loop does, and does not turn it. While one lives nobody becomes leader, and a
  /// leader that leaves gives the loop back at once.
  class Follower {
   public:
    explicit Follower(Turns& turns);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

   private:
    Turns& turns_;
  };

  /// Runs `task` on the calling thread as if on the loop, unless somebody is turning it. @return whether it ran.
  bool borrow(const std::function<void()>& task);

  /// Ends the absence of a leader: something waits for the loop.
  void resume();

 private:
  static constexpr Duration kPatience = std::chrono::milliseconds(1);

  /// The right to run code of the loop. Who waits for it is absent: exit() may have been called by whoever has it.
  class Turn {
   public:
    explicit Turn(Turns& turns);
    ~Turn() { turns_.turning_.unlock(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

  bool enter();
  void leave();
  void give_back();
  bool led();
  void await_absence();
  int may_sleep();
  void sleep(int fd, int timeout_ms);
  void poll_loop(int fd, int timeout_ms);

  uv_loop_t& loop_;
  const std::function<void()> interrupt_;
  std::mutex turning_;  // held by whoever runs code of the loop; taken before mutex_

  std::mutex mutex_;
  std::condition_variable left_;
  bool led_ = false;      // by a thread in lead(), or absent
  bool leading_ = false;  // a thread is in lead()
  bool asleep_ = false;   // the I/O thread, until the leader leaves
  uint64_t term_ = 0;     // counts calls of lead()
  unsigned followers_ = 0;
};

}  // namespace mas::sdk
