// Blocking work (files that are synced) on a thread of its own, one piece at a time, so that the loop does not wait.
//
// Happy path: start(work, done): `work` runs on another thread, `done` with its status on the loop's.
// Failure: no room for a thread is told to `done`, later, like any other failure. libuv's threads are not used: libuv
// aborts the process when it cannot make them.
// Threading: start() and `done` on the loop's thread; `work` must touch nothing that the loop touches meanwhile.
// Ownership: may be destroyed while work is under way: it is finished, the loop goes on until it is, and `done` is not
// called; so `work` must own, or share, what it uses.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "proto/base/thread.h"
#include "proto/redis/loop.h"

namespace mas::gateway {

class BackgroundWork {
 public:
  explicit BackgroundWork(uv_loop_t* loop) : loop_(loop) {}
  ~BackgroundWork() { forget(); }
  BackgroundWork(const BackgroundWork&) = delete;
  BackgroundWork& operator=(const BackgroundWork&) = delete;

  bool busy() const { return job_ != nullptr; }

  /// Not while busy().
  void start(std::function<Status()> work, std::function<void(const Status&)> done) {
    Job* job = job_ = new Job{std::move(work), std::move(done), this};
    job->ended.emplace(loop_, [job] { finish(job); });
    auto thread = start_thread("mas-work", [job] {
      job->result = job->work();
      job->ended->signal();
    });
    if (thread.ok()) {
      job->thread = std::move(*thread);
    } else {
      job->result = thread.error();
      job->ended->signal();
    }
  }

  /// What is under way is finished without a call of `done`.
  void forget() {
    if (job_ != nullptr) job_->owner = nullptr;
    job_ = nullptr;
  }

 private:
  struct Job {
    std::function<Status()> work;
    std::function<void(const Status&)> done;
    BackgroundWork* owner;
    Status result{};
    std::optional<redis::Wakeup> ended{};
    std::thread thread{};  // none where it could not be started
  };

  static void finish(Job* ended) {
    std::unique_ptr<Job> job(ended);
    if (job->thread.joinable()) job->thread.join();  // it has signalled, and is about to end
    if (job->owner == nullptr) return;
    job->owner->job_ = nullptr;
    job->done(job->result);
  }

  uv_loop_t* loop_;
  Job* job_ = nullptr;
};

}  // namespace mas::gateway
