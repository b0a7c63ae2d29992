// Deferred messages in C++: settled by the one who has the Settling, failed where nobody settles it.
#include <chrono>
#include <functional>
#include <future>
#include <mas.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/sdk/harness.h"

namespace {

using namespace std::chrono_literals;

struct Sum {
  int64_t sum = 0;
};
MAS_STRUCT(Sum, sum)

mas::Options here() { return mas::Options().redis_url(redis_url()); }

/// What "ask" was deferred for, and an agent that asks.
struct Case {
  mas::Agent target{"target", here()}, asker{"asker", here()};
  std::vector<mas::Settling> deferred;

  Case() {
    target.on_message("ask", [this](const mas::Message &message) { deferred.push_back(message.defer()); });
    target.start();
    asker.start();
  }
  std::future<Sum> ask(const char *type = "ask") {
    auto future = asker.request<Sum>("target", type, {}, 60s);
    CHECK(target.poll(5s));
    return future;
  }
};

/// @return the failure's sentence; "" when it succeeded.
std::string failure_of(std::future<Sum> &future) {
  try {
    future.get();
    return "";
  } catch (const mas::Error &error) {
    CHECK(error.status() == MAS_HANDLER_FAILED);
    return mas_error_reply_text()[0] == '\0' ? error.what() : mas_error_reply_text();
  }
}
bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}
mas_status status_of(const std::function<void()> &call) {
  try {
    call();
    return MAS_OK;
  } catch (const mas::Error &error) {
    return error.status();
  }
}

void another_thread_settles() {
  Case c;
  auto future = c.ask();
  std::thread([settling = std::move(c.deferred[0])]() mutable {
    settling.message().reply("sum", Sum{3});
    settling.settle();
    CHECK(status_of([&] { settling.settle(); }) == MAS_INVALID_STATE);
    CHECK(status_of([&] { settling.fail("late"); }) == MAS_INVALID_STATE);
  }).join();
  CHECK(future.get().sum == 3);
  CHECK(status_of([&] { c.deferred[0].settle(); }) == MAS_INVALID_STATE);  // it was moved from
}

void a_failure_has_a_sentence() {
  Case c;
  auto future = c.ask();
  c.deferred[0].fail("no such account");
  CHECK(ends_with(failure_of(future), "no such account"));
}

void one_that_is_dropped_has_failed() {
  Case c;
  auto future = c.ask();
  c.deferred.clear();
  CHECK(ends_with(failure_of(future), "dropped and not settled"));
}

void a_worker_that_throws_has_failed() {
  Case c;
  auto future = c.ask();
  const mas::Message kept = c.deferred[0].message();  // so that another reference is left
  std::thread([settling = std::move(c.deferred[0])]() mutable {
    try {
      const mas::Settling mine = std::move(settling);
      throw std::runtime_error("of the worker");
    } catch (const std::runtime_error &) {
    }
  }).join();
  CHECK(ends_with(failure_of(future), "dropped and not settled"));
}

void a_handler_that_throws_fails_at_once() {
  Case c;
  c.target.on_message("throw", [](const mas::Message &message) {
    auto settling = message.defer();
    throw mas::Error(MAS_HANDLER_FAILED, "not today");
  });
  auto future = c.ask("throw");
  CHECK(ends_with(failure_of(future), "not today"));
}

void wrong_use_is_an_error() {
  std::optional<Case> c(std::in_place);
  auto future = c->ask();
  std::vector<mas::Settling> left;
  left.push_back(std::move(c->deferred[0]));
  const mas::Message message = left[0].message();
  CHECK(status_of([&] { static_cast<void>(message.defer()); }) == MAS_INVALID_STATE);
  c->target.stop();
  CHECK(ends_with(failure_of(future), "the agent is being stopped"));
  CHECK(status_of([&] { left[0].settle(); }) == MAS_INVALID_STATE);
  c.reset();
}

const test_case kTests[] = {
    {"another thread settles", another_thread_settles},
    {"a failure has a sentence", a_failure_has_a_sentence},
    {"one that is dropped has failed", one_that_is_dropped_has_failed},
    {"a worker that throws has failed", a_worker_that_throws_has_failed},
    {"a handler that throws fails at once", a_handler_that_throws_fails_at_once},
    {"wrong use is an error", wrong_use_is_an_error},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
