// Turning the loop: what ends a leader's sleep.
#include "sdk/src/loop/turns.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "proto/redis/loop.h"
#include "sdk/src/core/wait.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;

namespace {

using Until = Turns::Until;

/// A descriptor that the loop watches: `seen` counts the turns in which it was readable.
struct Source {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  uv_poll_t poll;
  int seen = 0;

  explicit Source(uv_loop_t& loop) {
    uv_poll_init(&loop, &poll, fd);
    poll.data = this;
    uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto* source = static_cast<Source*>(handle->data);
      ++source->seen;
      clear_descriptor(source->fd);
    });
  }
  ~Source() { close(fd); }
};

/// A loop with a socket on which messages come, and one on which answers come.
struct Bench {
  uv_loop_t loop{};
  redis::SocketSet listed;
  std::optional<redis::Wakeup> wakeup;
  std::optional<Source> message, answer;
  std::optional<Turns> turns;

  Bench() {
    REQUIRE(uv_loop_init(&loop) == 0);
    REQUIRE(listed.open().ok());
    wakeup.emplace(&loop, [] {});
    message.emplace(loop);
    answer.emplace(loop);
    listed.add(message->fd);
    turns.emplace(loop, listed, [this] { wakeup->signal(); });
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  ~Bench() {
    wakeup.reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&message->poll), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&answer->poll), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
  }

  /// Sends something. @return how long the leader then sleeps.
  Duration send_and_lead(Until until, int timeout_ms = 10'000) {
    CHECK(turns->borrow([] {}));
    return lead(until, timeout_ms);
  }
  Duration lead(Until until, int timeout_ms) {
    const MonoTime began = mono_now();
    CHECK(turns->lead(-1, timeout_ms, until, [] { return false; }));
    return mono_now() - began;
  }
};

}  // namespace

TEST_CASE("who waits for messages sleeps through the answer to what was sent, for a while") {
  Bench bench;
  wake_descriptor(bench.answer->fd);
  CHECK(bench.send_and_lead(Until::kArrivals) >= Turns::kQuiet);
  CHECK(bench.answer->seen == 1);
}

TEST_CASE("a message and an interrupt end that sleep") {
  Bench bench;
  // On a busy machine any sleep may be long: one short one of many is enough.
  Duration shortest = std::chrono::seconds(1);
  for (int i = 0; i < 50; ++i) {
    wake_descriptor(bench.message->fd);
    shortest = std::min(shortest, bench.send_and_lead(Until::kArrivals));
  }
  CHECK(bench.message->seen == 50);
  CHECK(shortest < Turns::kQuiet);
  shortest = std::chrono::seconds(1);
  for (int i = 0; i < 50; ++i) {
    bench.wakeup->signal();
    shortest = std::min(shortest, bench.send_and_lead(Until::kArrivals));
  }
  CHECK(shortest < Turns::kQuiet);
}

TEST_CASE("a message and the answer before it are taken in one turn") {
  Bench bench;
  wake_descriptor(bench.answer->fd);
  wake_descriptor(bench.message->fd);
  bench.send_and_lead(Until::kArrivals);
  CHECK((bench.message->seen == 1 && bench.answer->seen == 1));
}

TEST_CASE("nothing is slept through by who waits for anything, or where nothing was sent") {
  Bench bench;
  Duration shortest = std::chrono::seconds(1);
  for (int i = 0; i < 50; ++i) {
    wake_descriptor(bench.answer->fd);
    shortest = std::min(shortest, bench.send_and_lead(Until::kAnything));
    wake_descriptor(bench.answer->fd);
    shortest = std::min(shortest, bench.lead(Until::kArrivals, 10'000));
  }
  CHECK(bench.answer->seen == 100);
  CHECK(shortest < Turns::kQuiet);
}

TEST_CASE("a turn takes what is there and does not wait") {
  Bench bench;
  bench.turns->turn();
  CHECK(bench.answer->seen == 0);
  wake_descriptor(bench.answer->fd);
  bench.turns->turn();
  CHECK(bench.answer->seen == 1);
  Turns::Follower follower(*bench.turns);
  wake_descriptor(bench.answer->fd);
  bench.turns->turn();  // the I/O thread's
  CHECK(bench.answer->seen == 1);
}

TEST_CASE("a follower that comes wakes a leader, and there is none while it stays") {
  Bench bench;
  std::optional<Turns::Follower> follower;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    follower.emplace(*bench.turns);
  });
  CHECK(bench.lead(Until::kAnything, 10'000) < std::chrono::seconds(10));
  other.join();
  CHECK(!bench.turns->lead(-1, 0, Until::kAnything, [] { return true; }));
}
