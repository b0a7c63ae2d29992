// The library's I/O thread: one per process, started with the first started agent, joined with the last.
//
// Happy path: an agent acquires the runtime when it starts and gives it back when it has stopped. Tasks that are posted
// run on the I/O thread in the order of posting; many posts wake the thread once.
// The loop is turned by that thread or by a waiting one of the application, see Turns; "the I/O thread" elsewhere means
// whichever it is.
// Failure: acquire() says why a thread or loop could not be made. exit() stops the thread where it stands, see
// presence.h.
// Threading: acquire and post from any thread; the rest on the I/O thread. All signals are blocked there, so that the
// application's handlers never run on it and a broken socket raises no SIGPIPE.
// Ownership: agents share the runtime; the last reference must be dropped outside the I/O thread (it joins it).
#pragma once

#include <uv.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "proto/base/result.h"
#include "proto/redis/loop.h"
#include "proto/redis/url.h"
#include "sdk/src/loop/turns.h"

namespace mas::sdk {

class Hub;

class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  static Result<std::shared_ptr<Runtime>> acquire();
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Runs `task` on the I/O thread, soon. A task that captures at most two pointers costs no allocation.
  void post(std::function<void()> task);

  /// Makes whoever waits for the loop look again.
  void interrupt();

  uv_loop_t* loop() { return &loop_; }
  Turns& turns() { return turns_; }

  /// @return the connections to `endpoint`, made if no other agent uses them. I/O thread.
  std::shared_ptr<Hub> hub(const redis::Endpoint& endpoint, const std::string& client_name);

 private:
  Runtime() = default;
  Status start();
  void run();
  void close();
  void run_tasks();

  uv_loop_t loop_{};
  std::unique_ptr<redis::Wakeup> wakeup_;
  Turns turns_{loop_, [this] { wakeup_->signal(); }};
  std::thread thread_;
  std::vector<std::weak_ptr<Hub>> hubs_;  // I/O thread

  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // guarded by mutex_
  std::vector<std::function<void()>> running_;
  std::atomic<bool> stopping_{false};
};

}  // namespace mas::sdk
