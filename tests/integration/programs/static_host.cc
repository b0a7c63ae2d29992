// A C++ program whose agent is a static object: exit() destroys it while other threads are inside of it, or the calling
// one.
//
//   mas-static-host HOW MICROSECONDS
//
// One thread runs the agent, one waits for an answer that nobody gives. After MICROSECONDS more the program ends with
// status 7:
//   return main returns · thread exit, called by another thread · handler exit, called in a handler
#include <atomic>
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
  static std::atomic<int> begun = 0;
  const auto begin = [](auto call) {
    std::thread([call] {
      ++begun;
      try {
        call();
      } catch (const mas::Failure&) {  // the agent was stopped
      }
    }).detach();
  };
  begin([] { agent.run(); });
  begin([] { agent.request("worker", "question", "{}", mas::kForever); });
  while (begun < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20) + std::chrono::microseconds(std::atol(argv[2])));
  if (how == "return") return kStatus;
  if (how == "thread") std::thread([] { std::exit(kStatus); }).detach();
  if (how == "handler") agent.send("worker", "end");
  std::this_thread::sleep_for(std::chrono::seconds(10));
  return 1;
}
