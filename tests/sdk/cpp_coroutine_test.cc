// An awaiter on the callback form of a request (C++20): mas.hpp itself knows nothing of coroutines.
#include <coroutine>
#include <exception>
#include <mas.hpp>
#include <optional>
#include <string>

#include "tests/sdk/harness.h"

namespace {

using namespace std::chrono_literals;

struct Number {
  int32_t value = 0;
};
MAS_STRUCT(Number, value)

// docs/CPP.md shows the two classes that follow.

/// co_await Ask<Reply>(…) is the reply, or throws mas::Error. The coroutine goes on in agent.poll().
template <typename Reply>
class Ask {
 public:
  Ask(mas::Agent &agent, std::string target, std::string type, const mas::Body &body, mas::Millis timeout)
      : agent_(agent), target_(std::move(target)), type_(std::move(type)), body_(body), timeout_(timeout) {}

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    agent_.request<Reply>(target_, type_, body_, timeout_, [this, waiting](mas::Result<Reply> reply) {
      result_ = std::move(reply);
      waiting.resume();
    });
  }
  Reply await_resume() { return result_->value(); }

 private:
  mas::Agent &agent_;
  std::string target_, type_;
  const mas::Body &body_;
  mas::Millis timeout_;
  std::optional<mas::Result<Reply>> result_;
};

/// A coroutine that nobody waits for.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

struct Ends {
  int32_t doubled = 0;
  mas_status failed = MAS_OK;
};

Task double_twice(mas::Agent &agent, Ends &ends) {
  const auto once = co_await Ask<Number>(agent, "doubler", "double", Number{5}, 5s);
  const auto twice = co_await Ask<Number>(agent, "doubler", "double", once, 5s);
  ends.doubled = twice.value;
  try {
    co_await Ask<Number>(agent, "nobody", "double", once, 5s);
  } catch (const mas::Error &error) {
    ends.failed = error.status();
  }
}

void a_coroutine_awaits_replies() {
  mas::Agent doubler("doubler", mas::Options().redis_url(redis_url()));
  mas::Agent client("client", mas::Options().redis_url(redis_url()));
  doubler.on<Number>("double", [](const mas::Message &request, const Number &number) {
    request.reply("doubled", Number{number.value * 2});
  });
  doubler.start();
  client.start();
  Ends ends;
  double_twice(client, ends);
  for (int i = 0; i < 1000 && ends.failed == MAS_OK; ++i) {
    doubler.poll(5ms);
    client.poll(5ms);
  }
  CHECK(ends.doubled == 20 && ends.failed == MAS_NO_RECEIVER);
}

void a_stopped_agent_ends_what_awaits() {
  mas::Agent silent("doubler", mas::Options().redis_url(redis_url()));
  mas_status status = MAS_OK;
  const auto wait = [](mas::Agent &agent, mas_status &ended) -> Task {
    try {
      co_await Ask<Number>(agent, "doubler", "double", Number{1}, mas::kForever);
    } catch (const mas::Error &error) {
      ended = error.status();
    }
  };
  silent.start();
  {
    mas::Agent client("client", mas::Options().redis_url(redis_url()));
    client.start();
    wait(client, status);
    CHECK(status == MAS_OK);
  }
  CHECK(status == MAS_CANCELLED);
}

const test_case kTests[] = {
    {"a coroutine awaits replies", a_coroutine_awaits_replies},
    {"a stopped agent ends what awaits", a_stopped_agent_ends_what_awaits},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
