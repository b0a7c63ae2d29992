// Where a test may kill the process (MAS_TEST_CRASH_AT) or make it do the wrong thing (MAS_TEST_BREAK): step or step:n,
// the n-th time the step is reached. MAS_TEST_CONTENT=text:ms makes an element with that text take so long to be
// decided; text:crash kills the process. Compiled to nothing unless the build has MAS_TEST_HOOKS, which no preset for
// users has.
#pragma once

#ifdef MAS_TEST_HOOKS
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "proto/redis/loop.h"
#else
#include <uv.h>

#include <string_view>
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

/// @return whether it took long.
inline bool test_content(std::string_view element) {
  static const std::string text = std::getenv("MAS_TEST_CONTENT") == nullptr ? "" : std::getenv("MAS_TEST_CONTENT");
  const size_t colon = text.rfind(':');
  if (text.empty() || element.find(text.substr(0, colon)) == std::string_view::npos) return false;
  if (text.substr(colon + 1) == "crash") std::raise(SIGKILL);
  std::this_thread::sleep_for(std::chrono::milliseconds(std::stoul(text.substr(colon + 1))));
  return true;
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
constexpr bool test_content(std::string_view) { return false; }
constexpr bool test_break(const char*) { return false; }

class LateHook {
 public:
  LateHook(uv_loop_t*, const char*) {}
  void arm() {}
};
#endif

}  // namespace mas::gateway
