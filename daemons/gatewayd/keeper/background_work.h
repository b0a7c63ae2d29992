// Blocking work (files that are synced) on libuv's thread pool, one piece at a time, so that the loop does not wait.
//
// Happy path: start(work, done): `work` runs on another thread, `done` with its status on the loop's.
// Threading: start() and `done` on the loop's thread; `work` must touch nothing that the loop touches meanwhile.
// Ownership: may be destroyed while work is under way: it is finished, and `done` not called; so `work` must own, or
// share, what it uses.
#pragma once

#include <uv.h>

#include <functional>

#include "proto/base/result.h"

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
    job_ = new Job{{}, std::move(work), std::move(done), {}, this};
    job_->request.data = job_;
    uv_queue_work(loop_, &job_->request, run, finish);
  }

  /// What is under way is finished without a call of `done`.
  void forget() {
    if (job_ != nullptr) job_->owner = nullptr;
    job_ = nullptr;
  }

 private:
  struct Job {
    uv_work_t request;
    std::function<Status()> work;
    std::function<void(const Status&)> done;
    Status result;
    BackgroundWork* owner;
  };

  static void run(uv_work_t* request) {
    Job* job = static_cast<Job*>(request->data);
    job->result = job->work();
  }
  static void finish(uv_work_t* request, int) {
    Job* job = static_cast<Job*>(request->data);
    if (job->owner != nullptr) {
      job->owner->job_ = nullptr;
      job->done(job->result);
    }
    delete job;
  }

  uv_loop_t* loop_;
  Job* job_ = nullptr;
};

}  // namespace mas::gateway
