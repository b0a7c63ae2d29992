// The signal handler of the examples in C++ ends with the run of its agent, also where that throws.
#include "../../sdk/examples/example.hpp"

static volatile std::sig_atomic_t counted = 0;
static void count(int) { counted = counted + 1; }

int main() {
  std::signal(SIGTERM, &count);
  bool failed = false;
  try {
    mas::Options options;
    options.redis_url("unix:///nowhere/redis.sock");
    mas::Agent agent("quitter", options);
    agent.quit();  // the start is cancelled, and no Redis is needed
    example::run(agent, "quitter");
  } catch (const mas::Error&) {
    failed = true;
  }
  std::raise(SIGTERM);
  if (failed && counted == 1) return 0;
  std::cerr << "the start " << (failed ? "failed" : "did not fail") << ", and " << counted
            << " signals came to the earlier handler; expected 1" << std::endl;
  return 1;
}
