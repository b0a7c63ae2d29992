// A libuv loop for a test: run it until something is true, within a bound; closed and checked for leaks at
// the end.
#pragma once

#include <signal.h>
#include <uv.h>

#include <chrono>
#include <cstdlib>
#include <functional>

namespace mas::test {

class LoopFixture {
 public:
  LoopFixture() {
    signal(SIGPIPE, SIG_IGN);  // as every program with a loop does
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &tick_);
  }
  /// Everything on the loop must have been destroyed by now: a handle that is left aborts the test.
  ~LoopFixture() {
    uv_close(reinterpret_cast<uv_handle_t*>(&tick_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop_) != 0) std::abort();
  }
  LoopFixture(const LoopFixture&) = delete;
  LoopFixture& operator=(const LoopFixture&) = delete;

  uv_loop_t* loop() { return &loop_; }

  /// @return whether `condition` came true within `limit`.
  bool run_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    auto deadline = std::chrono::steady_clock::now() + limit;
    uv_timer_start(
        &tick_, [](uv_timer_t*) {}, 1, 5);  // looks at the condition also when nothing happens
    while (!condition() && std::chrono::steady_clock::now() < deadline) uv_run(&loop_, UV_RUN_ONCE);
    uv_timer_stop(&tick_);
    return condition();
  }

 private:
  uv_loop_t loop_{};
  uv_timer_t tick_;
};

}  // namespace mas::test
