// The loop's handles: in which order they run, beside I/O.
#include "proto/redis/loop.h"

#include <unistd.h>

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::redis;

namespace {

struct Loop {
  uv_loop_t uv{};
  Loop() { uv_loop_init(&uv); }
  ~Loop() {
    uv_run(&uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&uv) == 0);
  }
};

/// A pipe that is always ready to be read.
struct ReadyPipe {
  int ends[2];
  uv_poll_t poll;
  unsigned reads = 0;

  explicit ReadyPipe(Loop& loop) {
    REQUIRE(pipe(ends) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    uv_poll_init(&loop.uv, &poll, ends[0]);
    poll.data = this;
    uv_poll_start(&poll, UV_READABLE, [](uv_poll_t* self, int, int) { ++static_cast<ReadyPipe*>(self->data)->reads; });
  }
  void close() { uv_close(reinterpret_cast<uv_handle_t*>(&poll), nullptr); }
  ~ReadyPipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

}  // namespace

TEST_CASE("work in slices lets the loop poll between any two of them") {
  Loop loop;
  ReadyPipe pipe(loop);
  unsigned slices = 0;
  std::vector<unsigned> reads_before;
  NextRound* again = nullptr;
  NextRound round(&loop.uv, [&] {
    reads_before.push_back(pipe.reads);
    if (++slices < 5) again->request();
  });
  again = &round;
  round.request();
  while (slices < 5) uv_run(&loop.uv, UV_RUN_NOWAIT);
  CHECK(reads_before == std::vector<unsigned>{0, 1, 2, 3, 4});

  round.request();
  round.cancel();
  uv_run(&loop.uv, UV_RUN_NOWAIT);
  CHECK(slices == 5);
  pipe.close();
}

TEST_CASE("a next round may go from inside its own callback") {
  Loop loop;
  std::unique_ptr<NextRound> round;
  bool ran = false;
  round = std::make_unique<NextRound>(&loop.uv, [&] {
    ran = true;
    round.reset();
  });
  round->request();
  uv_run(&loop.uv, UV_RUN_DEFAULT);
  CHECK(ran);
}
