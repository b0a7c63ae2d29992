// Where a test may kill the process (MAS_TEST_CRASH_AT) or make it do the wrong thing (MAS_TEST_BREAK): step or step:n, the
// n-th time the step is reached. Compiled to nothing unless the build has MAS_TEST_HOOKS, which no preset for users has.
#pragma once

#ifdef MAS_TEST_HOOKS
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proto/redis/loop.h"
#else
#include <uv.h>
#endif

namespace mas::gateway {

#ifdef MAS_TEST_HOOKS
/// The step that an environment variable names.
class TestStep {
 public:
  explicit TestStep(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return;
    step_ = text;
    size_t colon = step_.find(':');
    if (colon == std::string::npos) return;
    left_ = std::stoul(step_.substr(colon + 1));
    step_.resize(colon);
  }
  bool reached(std::string_view step) { return step_ == step && left_ > 0 && --left_ == 0; }

 private:
  std::string step_;
  unsigned long left_ = 1;
};

inline void test_hook(std::string_view step) {
  static TestStep crash("MAS_TEST_CRASH_AT");
  if (crash.reached(step)) std::raise(SIGKILL);
}

/// @return whether to do the wrong thing here.
inline bool test_break(std::string_view step) {
  static TestStep broken("MAS_TEST_BREAK");
  return broken.reached(step);
}

/// A step that is reached in the loop's next round: when what was sent in this one has been handed to the socket, and
/// before its replies are read.
class LateHook {
 public:
  LateHook(uv_loop_t* loop, const char* step) : timer_(loop, [step] { test_hook(step); }) {}
  void arm() { timer_.once(Duration::zero()); }

 private:
  redis::Timer timer_;
};
#else
inline void test_hook(const char*) {}
constexpr bool test_break(const char*) { return false; }

class LateHook {
 public:
  LateHook(uv_loop_t*, const char*) {}
  void arm() {}
};
#endif

}  // namespace mas::gateway
