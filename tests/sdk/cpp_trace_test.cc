// Tracing from C++: the context of messages, set and read; observers as functions.
#include <atomic>
#include <mas.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

namespace {

constexpr mas::Millis kLong{10'000};
const std::string kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const std::string kSpan = "00-0af7651916cd43dd8448eb211c80319c-3333333333333333-01";

mas::Agent agent(const std::string &id) { return mas::Agent(id, mas::Options().redis_url(redis_url())); }

/// Runs an agent in a thread until the scope ends.
class RunningAgent {
 public:
  explicit RunningAgent(mas::Agent &agent) : agent_(agent), thread_([&agent] { agent.run(); }) {}
  ~RunningAgent() {
    agent_.quit();
    thread_.join();
  }
  RunningAgent(const RunningAgent &) = delete;
  RunningAgent &operator=(const RunningAgent &) = delete;

 private:
  mas::Agent &agent_;
  std::thread thread_;
};

void a_context_is_set_and_read() {
  auto alice = agent("alice"), bob = agent("bob");
  bob.on_message("ask", [](const mas::Message &message) {
    message.reply("seen", R"({"state":")" + std::string(message.tracestate()) + "\"}");
  });
  bob.start();
  alice.start();
  {
    RunningAgent running(bob);
    mas::set_trace(kTrace, "a=b");
    auto reply = alice.request("bob", "ask", {}, kLong);
    CHECK(reply.traceparent() == kTrace && reply.tracestate() == "a=b");
    CHECK(reply.data() == R"({"state":"a=b"})");
    mas::set_trace("");
    CHECK(alice.request("bob", "ask", {}, kLong).traceparent().empty());
  }
  CHECK(mas::results::set_trace("x").status() == MAS_INVALID_ARGUMENT);
  bool thrown = false;
  try {
    mas::set_trace(kTrace, "no list");
  } catch (const mas::Error &error) {
    thrown = error.status() == MAS_INVALID_ARGUMENT;
  }
  CHECK(thrown);
}

void an_observer_is_a_function() {
  auto alice = agent("alice"), bob = agent("bob");
  std::vector<std::string> told;
  int span = 0;
  alice.on_trace(
      [&](mas::TraceEvent &event) {
        if (event.phase == MAS_TRACE_START) {
          CHECK(event.span == nullptr && event.body == R"({"n":1})" && event.body_size == 7);
          event.span = &span;
          mas::set_trace(kSpan);
        } else {
          CHECK(event.span == &span && event.traceparent == kSpan && event.body.empty());
        }
        told.push_back(std::string(event.peer) + " " + std::string(event.type) + " " + mas_status_text(event.outcome));
      },
      MAS_TRACE_PAYLOAD);
  std::atomic<int> thrown{0};
  bob.on_trace([&](mas::TraceEvent &) {
    ++thrown;
    throw std::runtime_error("an observer may throw");
  });
  bob.on_message("ask", [](const mas::Message &message) { message.reply("answer"); });
  bob.start();
  alice.start();
  {
    RunningAgent running(bob);
    auto reply = alice.request("bob", "ask", R"({"n":1})", kLong);
    CHECK(reply.traceparent() == kSpan);
  }
  bool refused = false;
  try {
    alice.on_trace(nullptr);
  } catch (const mas::Error &error) {
    refused = error.status() == MAS_INVALID_STATE;
  }
  CHECK(refused);
  alice.stop();
  alice.on_trace(nullptr);
  bob.stop();
  CHECK((told == std::vector<std::string>{"bob ask ok", "bob ask ok"}));
  CHECK(thrown == 4);
}

}  // namespace

int main(int argc, char **argv) {
  static const test_case tests[] = {
      {"a_context_is_set_and_read", a_context_is_set_and_read},
      {"an_observer_is_a_function", an_observer_is_a_function},
  };
  return RUN_TESTS(argc, argv, tests);
}
