// Shared code of the examples in C++: an agent runs until Ctrl-C, and what goes wrong is one sentence.
#ifndef MAS_EXAMPLE_HPP
#define MAS_EXAMPLE_HPP

#include <csignal>
#include <iostream>
#include <mas.hpp>
#include <string>

namespace example {

inline mas::Agent *running = nullptr;  // for the signal handler

/// Starts the agent, runs it until SIGINT or SIGTERM, and stops it in order.
inline void run(mas::Agent &agent, const std::string &name) {
  running = &agent;
  const auto quit = [](int) { running->quit(); };  // one of the few things that a signal handler may do
  std::signal(SIGINT, quit);
  std::signal(SIGTERM, quit);
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
