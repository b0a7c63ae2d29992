// Typed requests in C++: futures and callbacks, and each way in which they end.
#include <atomic>
#include <chrono>
#include <future>
#include <mas.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/sdk/harness.h"

namespace {

using namespace std::chrono_literals;

struct Add {
  int32_t a = 0, b = 0;
};
MAS_STRUCT(Add, a, b)

struct Sum {
  int64_t sum = 0;
};
MAS_STRUCT(Sum, sum)

mas::Options here() { return mas::Options().redis_url(redis_url()); }

/// An agent that adds, in a thread of its own.
class Calculator {
 public:
  Calculator() : agent_("calculator", here()) {
    agent_.on<Add>(
        "add", [](const mas::Message &request, const Add &add) { request.reply("sum", Sum{int64_t{add.a} + add.b}); });
    agent_.on_message("text", [](const mas::Message &request) { request.reply("sum", R"({"sum":"3"})"); });
    agent_.on_message("silence", [](const mas::Message &) {});
    agent_.on_message("fail", [](const mas::Message &) { throw mas::Error(MAS_HANDLER_FAILED, "no such account"); });
    agent_.on_message("unfit", [](const mas::Message &) { throw mas::Error(MAS_INVALID_PAYLOAD, "a: odd"); });
    agent_.on_message("leak", [](const mas::Message &) { throw std::runtime_error("postgres://u:s3cret@db"); });
    agent_.start();
    thread_ = std::thread([this] { agent_.run(); });
  }
  ~Calculator() {
    agent_.quit();
    thread_.join();
  }

 private:
  mas::Agent agent_;
  std::thread thread_;
};

/// @return how a future ended; MAS_OK for a value.
template <typename T>
mas_status end_of(std::future<T> &future, std::string *ret_text = nullptr) {
  try {
    future.get();
    return MAS_OK;
  } catch (const mas::Error &error) {
    if (ret_text != nullptr) *ret_text = error.what();
    return error.status();
  }
}

void a_future_needs_no_poll() {
  Calculator calculator;
  mas::Agent agent("client", here());
  agent.start();
  auto sum = agent.request<Sum>("calculator", "add", Add{2, 3});
  CHECK(sum.wait_for(5s) == std::future_status::ready);
  CHECK(sum.get().sum == 5);
  auto message = agent.request<mas::Message>("calculator", "add", R"({"a":1,"b":1})", 5s);
  CHECK(message.get().data() == R"({"sum":2})");
}

void a_reply_that_does_not_fit_is_an_error_with_its_path() {
  Calculator calculator;
  mas::Agent agent("client", here());
  agent.start();
  auto sum = agent.request<Sum>("calculator", "text", "{}", 5s);
  std::string text;
  CHECK(end_of(sum, &text) == MAS_MALFORMED);
  CHECK(text.find("sum: expected an integer, not a string") != std::string::npos);
  mas_status status = MAS_OK;
  agent.request<Sum>("calculator", "text", "{}", 5s, [&](mas::Result<Sum> result) { status = result.status(); });
  CHECK(agent.poll(5s) && status == MAS_MALFORMED);
}

void an_exception_of_the_handler_reaches_the_requester() {
  Calculator calculator;
  mas::Agent agent("client", here());
  agent.start();
  std::string text;
  auto failed = agent.request<Sum>("calculator", "fail", "{}");
  CHECK(end_of(failed, &text) == MAS_HANDLER_FAILED);
  CHECK(text.find("no such account") != std::string::npos);
  auto unfit = agent.request<Sum>("calculator", "unfit", "{}");
  CHECK(end_of(unfit, &text) == MAS_INVALID_PAYLOAD);
  CHECK(text.find("a: odd") != std::string::npos);
  auto leak = agent.request<Sum>("calculator", "leak", "{}");
  CHECK(end_of(leak, &text) == MAS_HANDLER_FAILED);
  CHECK(text.find("the handler threw an exception") != std::string::npos && text.find("s3cret") == std::string::npos);
  auto unknown = agent.request<Sum>("calculator", "subtract", Add{2, 3});
  CHECK(end_of(unknown) == MAS_NO_HANDLER);
  auto misfit = agent.request<Sum>("calculator", "add", R"({"a":"2","b":3})");
  CHECK(end_of(misfit, &text) == MAS_INVALID_PAYLOAD);
  CHECK(text.find("a: expected an integer") != std::string::npos);
}

void every_future_ends() {
  Calculator calculator;
  std::future<Sum> stopped, destroyed;
  {
    mas::Agent agent("client", here());
    auto early = agent.request<Sum>("calculator", "add", Add{});
    CHECK(end_of(early) == MAS_INVALID_STATE);
    agent.start();
    auto late = agent.request<Sum>("calculator", "silence", Add{}, 20ms);
    CHECK(end_of(late) == MAS_TIMEOUT);
    auto nobody = agent.request<Sum>("nobody", "add", Add{});
    CHECK(end_of(nobody) == MAS_NO_RECEIVER);
    auto wrong = agent.request<Sum>("calculator", "add", "[", 5s);
    CHECK(end_of(wrong) == MAS_MALFORMED);
    auto no_target = agent.request<Sum>("", "add", Add{});
    CHECK(end_of(no_target) == MAS_INVALID_ARGUMENT);
    mas::Request handle;
    auto cancelled = agent.request<Sum>("calculator", "silence", Add{}, mas::kForever, &handle);
    CHECK(handle.cancel() && !handle.cancel());
    CHECK(end_of(cancelled) == MAS_CANCELLED);
    auto abandoned = agent.request<Sum>("calculator", "silence", Add{}, mas::kForever);
    stopped = agent.request<Sum>("calculator", "silence", Add{}, mas::kForever);
    agent.stop();
    CHECK(end_of(stopped) == MAS_CANCELLED);
    agent.start();
    destroyed = agent.request<Sum>("calculator", "silence", Add{}, mas::kForever);
  }
  CHECK(end_of(destroyed) == MAS_CANCELLED);
}

void a_thread_that_waits_for_a_future_hears_of_the_stop() {
  Calculator calculator;
  mas::Agent agent("client", here());
  agent.start();
  auto sum = agent.request<Sum>("calculator", "silence", Add{}, mas::kForever);
  auto waiting = std::async(std::launch::async, [&sum] { return end_of(sum); });
  agent.stop();
  CHECK(waiting.get() == MAS_CANCELLED);
}

void a_handler_may_wait_for_a_future() {
  Calculator calculator;
  mas::Agent agent("client", here());
  int64_t sum = 0;
  agent.on_message("go", [&](const mas::Message &) {
    sum = agent.request<Sum>("calculator", "add", Add{4, 4}).get().sum;
  });
  agent.start();
  agent.send("client", "go");
  for (int i = 0; i < 100 && sum == 0; ++i) agent.poll(100ms);
  CHECK(sum == 8);
}

/// Counts how many of it live.
struct Counted {
  explicit Counted(std::atomic<int> &count) : living(&count) { ++*living; }
  Counted(const Counted &other) : living(other.living) { ++*living; }
  Counted &operator=(const Counted &) = delete;
  ~Counted() { --*living; }
  std::atomic<int> *living;
};

void every_callback_runs_once_or_was_cancelled() {
  Calculator calculator;
  std::atomic<int> living{0};
  int answered = 0, stopped = 0;
  {
    mas::Agent agent("client", here());
    agent.start();
    const auto count = [&](mas::Result<Sum> result) {
      if (result)
        answered += static_cast<int>(result->sum);
      else
        stopped += result.status() == MAS_CANCELLED ? 1 : 100;
    };
    const auto counted = [&] {
      return [count, one = Counted(living)](mas::Result<Sum> result) { count(std::move(result)); };
    };
    agent.request<Sum>("calculator", "add", Add{1, 2}, 5s, counted());
    for (int i = 0; i < 100 && answered == 0; ++i) agent.poll(100ms);
    CHECK(answered == 3 && living == 0);
    mas::Request handle = agent.request<Sum>("calculator", "silence", Add{}, mas::kForever, counted());
    CHECK(living == 1 && handle.cancel() && living == 0 && !handle.cancel());
    agent.request<Sum>("calculator", "silence", Add{}, mas::kForever, counted());
    agent.stop();
    CHECK(stopped == 1 && living == 0);
    agent.start();
    agent.request<Sum>("calculator", "silence", Add{}, mas::kForever, counted());
    agent.request<Sum>("calculator", "silence", Add{}, mas::kForever, [](mas::Result<Sum>) { throw 1; });
    agent.request_async("calculator", "silence", "{}", mas::kForever,
                        [&](mas_status status, const mas::Message *reply) {
                          CHECK(status == MAS_CANCELLED && reply == nullptr);
                          ++stopped;
                        });
  }
  CHECK(stopped == 3 && living == 0 && answered == 3);
  mas::Request handle;
  CHECK(!handle.cancel());
}

void wrong_use_is_an_error() {
  mas::Agent agent("client", here());
  const auto status_of = [](auto call) {
    try {
      call();
      return MAS_OK;
    } catch (const mas::Error &error) {
      CHECK(std::string(error.what()).size() > 20);
      return error.status();
    }
  };
  CHECK(status_of([&] { agent.send("client", "x"); }) == MAS_INVALID_STATE);
  CHECK(status_of([&] { agent.poll(0ms); }) == MAS_INVALID_STATE);
  CHECK(status_of([&] { agent.run(); }) == MAS_INVALID_STATE);
  agent.start();
  CHECK(status_of([&] { agent.start(); }) == MAS_INVALID_STATE);
  CHECK(status_of([] { mas::Agent unnamed(""); }) == MAS_INVALID_ARGUMENT);
  CHECK(status_of([] { mas::Options().heartbeat(1ms, 1ms); }) == MAS_INVALID_ARGUMENT);
  CHECK(status_of([] { mas::DataKey("key", "/nowhere/at/all"); }) == MAS_NOT_FOUND);

  mas_status in_handler = MAS_OK, not_asked = MAS_OK;
  std::optional<mas::Message> kept;
  agent.on_message("x", [&](const mas::Message &message) {
    kept = message;
    in_handler = status_of([&] { agent.stop(); });
    not_asked = status_of([&] { message.reply("y", Sum{}); });
  });
  agent.send("client", "x");
  for (int i = 0; i < 100 && !kept; ++i) agent.poll(100ms);
  CHECK(in_handler == MAS_INVALID_STATE && not_asked == MAS_INVALID_ARGUMENT);
  agent.stop();
  agent.stop();
  CHECK(status_of([&] { agent.send("client", "x"); }) == MAS_INVALID_STATE);

  mas::Agent moved = std::move(agent);
  CHECK(status_of([&] { agent.start(); }) == MAS_INVALID_STATE);  // NOLINT: that is what is tested
  CHECK(status_of([&] { agent.on_message("x", [](const mas::Message &) {}); }) == MAS_INVALID_STATE);
  auto future = agent.request<Sum>("calculator", "add", Add{});
  CHECK(end_of(future) == MAS_INVALID_STATE);
  CHECK(agent.fd() == -1 && agent.id().empty() && agent.try_send("a", "b") == MAS_INVALID_STATE);
  CHECK(status_of([&] { mas::State<Sum> state(agent); }) == MAS_INVALID_STATE);

  mas::Message taken = std::move(*kept);
  CHECK(kept->type().empty() && kept->data().empty() && !kept->expects_reply());  // NOLINT: likewise
  CHECK(status_of([&] { kept->reply("y"); }) == MAS_INVALID_ARGUMENT);
  CHECK(status_of([&] { kept->reply_error(MAS_NO_HANDLER); }) == MAS_INVALID_ARGUMENT);
  CHECK(mas::Message(*kept).sender().empty());
  kept = taken;

  mas::Options options = here();
  const mas::Options same = std::move(options);
  CHECK(options.dedupe_window(1).get() == same.get());  // NOLINT: likewise
  moved.start();
  moved = mas::Agent("other", here());
  CHECK(moved.id() == "other" && kept->type() == "x");
}

void a_kept_request_outlives_its_agent() {
  std::optional<mas::Message> kept;
  mas::Agent client("client", here());
  client.start();
  std::future<Sum> sum;
  {
    mas::Agent agent("calculator", here());
    agent.on<Add>("add", [&](const mas::Message &request, const Add &) { kept = request; });
    agent.start();
    sum = client.request<Sum>("calculator", "add", Add{1, 2}, 50ms);
    CHECK(agent.poll(5s) && kept);
  }
  CHECK(kept->type() == "add" && kept->as<Add>().b == 2);
  mas_status status = MAS_OK;
  try {
    kept->reply("sum", Sum{3});
  } catch (const mas::Error &error) {
    status = error.status();
  }
  CHECK(status == MAS_INVALID_STATE);
  CHECK(end_of(sum) == MAS_TIMEOUT);
}

void an_agent_may_be_destroyed_in_its_handler() {
  auto agent = std::make_unique<mas::Agent>("client", here());
  agent->on_message("end", [&agent](const mas::Message &message) {
    agent.reset();
    CHECK(message.type() == "end");
  });
  agent->start();
  agent->send("client", "end");
  agent->run();
  CHECK(agent == nullptr);
  redis_is gone = {"EXISTS", "agent:client", "0"};
  CHECK(eventually(redis_is_condition, &gone, nullptr));
}

const test_case kTests[] = {
    {"a future needs no poll", a_future_needs_no_poll},
    {"a reply that does not fit is an error with its path", a_reply_that_does_not_fit_is_an_error_with_its_path},
    {"an exception of the handler reaches the requester", an_exception_of_the_handler_reaches_the_requester},
    {"every future ends", every_future_ends},
    {"a thread that waits for a future hears of the stop", a_thread_that_waits_for_a_future_hears_of_the_stop},
    {"a handler may wait for a future", a_handler_may_wait_for_a_future},
    {"every callback runs once or was cancelled", every_callback_runs_once_or_was_cancelled},
    {"wrong use is an error", wrong_use_is_an_error},
    {"a kept request outlives its agent", a_kept_request_outlives_its_agent},
    {"an agent may be destroyed in its handler", an_agent_may_be_destroyed_in_its_handler},
};

}  // namespace

int main(int argc, char **argv) { return RUN_TESTS(argc, argv, kTests); }
