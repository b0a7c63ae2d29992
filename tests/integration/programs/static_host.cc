// A C++ program whose agent is a static object: exit() destroys it while other threads are inside of it, or the calling one.
//
//   mas-static-host HOW MICROSECONDS
//
// One thread runs the agent, one waits for an answer that nobody gives. After MICROSECONDS the program ends with status 7:
//   return main returns · thread exit, called by another thread · handler exit, called in a handler
#include <chrono>
#include <cstdlib>
#include <mas.hpp>
#include <string_view>
#include <thread>

namespace {

constexpr int kStatus = 7;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const std::string_view how = argv[1];
  static mas::Agent agent("worker");
  agent.on_message("end", [](const mas::Message&) { std::exit(kStatus); });
  agent.start();
  std::thread([] { agent.run(); }).detach();
  std::thread([] {
    try {
      agent.request("worker", "question", "{}", mas::kForever);
    } catch (const mas::Failure&) {
    }
  }).detach();
  std::this_thread::sleep_for(std::chrono::microseconds(std::atol(argv[2])));
  if (how == "return") return kStatus;
  if (how == "thread") std::thread([] { std::exit(kStatus); }).detach();
  if (how == "handler") agent.send("worker", "end");
  std::this_thread::sleep_for(std::chrono::seconds(10));
  return 1;
}
