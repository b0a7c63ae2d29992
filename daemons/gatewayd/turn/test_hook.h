// A place where a test may kill the process: MAS_TEST_CRASH_AT=step or step:n, the n-th time the step is reached.
// Compiled to nothing unless the build has MAS_TEST_HOOKS, which no preset for users has.
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
inline void test_hook(std::string_view step) {
  static const char* const wanted = std::getenv("MAS_TEST_CRASH_AT");
  if (wanted == nullptr) return;
  static const std::string text = wanted;
  static unsigned long left = text.find(':') == std::string::npos ? 1 : std::stoul(text.substr(text.find(':') + 1));
  if (text.substr(0, text.find(':')) == step && --left == 0) std::raise(SIGKILL);
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

class LateHook {
 public:
  LateHook(uv_loop_t*, const char*) {}
  void arm() {}
};
#endif

}  // namespace mas::gateway
