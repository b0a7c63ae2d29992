// Shared code of the examples in C++: an agent runs until Ctrl-C and is stopped in order; failures are one sentence.
#ifndef MAS_EXAMPLE_HPP
#define MAS_EXAMPLE_HPP

#include <csignal>
#include <iostream>
#include <mas.hpp>
#include <string>

namespace example {

/// An agent between start and stop. It is stopped however the scope is left, also by an exception.
class Started {
 public:
  explicit Started(mas::Agent &agent) : agent_(agent) { agent_.start(); }
  Started(const Started &) = delete;
  Started &operator=(const Started &) = delete;
  ~Started() {
    constexpr int kStopMs = 2000;
    // The C function: Agent::stop() throws, which a destructor must not do.
    if (mas_agent_stop(agent_.get(), kStopMs) != MAS_OK)
      std::cerr << agent_.id() << ": stopped, but could not deregister: " << mas_error_detail() << std::endl;
  }

 private:
  mas::Agent &agent_;
};

/// SIGINT and SIGTERM end the run of an agent, as long as this lives. Afterwards they have their earlier effect: the
/// agent may be gone by then.
class QuitOnSignals {
 public:
  explicit QuitOnSignals(mas::Agent &agent) {
    running_ = &agent;
    interrupt_ = std::signal(SIGINT, &quit);
    terminate_ = std::signal(SIGTERM, &quit);
  }
  QuitOnSignals(const QuitOnSignals &) = delete;
  QuitOnSignals &operator=(const QuitOnSignals &) = delete;
  ~QuitOnSignals() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGTERM, terminate_);
  }

 private:
  using Handler = void (*)(int);
  static void quit(int) { running_->quit(); }  // one of the few things that a signal handler may do

  static inline mas::Agent *running_ = nullptr;
  Handler interrupt_;
  Handler terminate_;
};

/// Starts the agent, runs it until SIGINT or SIGTERM, and stops it in order.
inline void run(mas::Agent &agent, const std::string &name) {
  QuitOnSignals signals(agent);
  agent.start();
  std::cout << name << ": ready" << std::endl;
  agent.run();
  agent.stop();
}

/// Calls `body`. @return the program's exit code: what it returns; 1 when it throws, with the reason on standard error.
template <typename Body>
int main(const std::string &name, Body body) {
  try {
    return body();
  } catch (const std::exception &error) {
    std::cerr << name << ": " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace example

#endif  // MAS_EXAMPLE_HPP
