// A place where a test may kill the process: MAS_TEST_CRASH_AT=step or step:n, the n-th time the step is reached.
// Compiled to nothing unless the build has MAS_TEST_HOOKS, which no preset for users has.
#pragma once

#ifdef MAS_TEST_HOOKS
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
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
#else
inline void test_hook(const char*) {}
#endif

}  // namespace mas::gateway
