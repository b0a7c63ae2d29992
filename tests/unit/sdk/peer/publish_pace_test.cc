// How fast a publisher may send long messages.
#include "sdk/src/peer/publish_pace.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;
using namespace std::chrono_literals;

namespace {
constexpr size_t kMebibyte = 1024 * 1024;
}  // namespace

TEST_CASE("short messages are never held back") {
  PublishPace pace;
  MonoTime now{1h};
  CHECK(PublishPace::charge_of(PublishPace::kLong - 1) == 0);
  pace.on_write(10 * PublishPace::kBurst, now);
  CHECK(pace.may_go(0, now));
}

TEST_CASE("a burst goes at once, more by the rate") {
  PublishPace pace;
  MonoTime now{1h};
  CHECK(PublishPace::charge_of(kMebibyte) == kMebibyte);
  size_t sent = 0;
  for (; pace.may_go(kMebibyte, now); sent += kMebibyte) {
    pace.on_write(kMebibyte, now);
    pace.on_answer(kMebibyte);
  }
  CHECK(sent == PublishPace::kBurst);
  const MonoTime began = now;
  for (; sent < PublishPace::kBurst + PublishPace::kPerSecond; sent += kMebibyte) {
    const Duration wait = pace.wait_for(kMebibyte, now);
    REQUIRE(wait > Duration::zero());
    now += wait;
    REQUIRE(pace.may_go(kMebibyte, now));
    pace.on_write(kMebibyte, now);
    pace.on_answer(kMebibyte);
  }
  CHECK(now - began >= 1s);
  CHECK(now - began < 1100ms);
}

TEST_CASE("what has no answer is bounded, and waits for no time") {
  PublishPace pace;
  MonoTime now{1h};
  for (int i = 0; i < 4; ++i) pace.on_write(kMebibyte, now);
  now += 1h;
  CHECK_FALSE(pace.may_go(kMebibyte, now));
  CHECK(pace.wait_for(kMebibyte, now) == Duration::zero());
  pace.on_answer(kMebibyte);
  CHECK(pace.may_go(kMebibyte, now));
}

TEST_CASE("a message larger than the burst goes alone, and those behind it wait the longer") {
  PublishPace pace;
  MonoTime now{1h};
  pace.on_write(kMebibyte, now);
  CHECK_FALSE(pace.may_go(PublishPace::kLargest, now));
  pace.on_answer(kMebibyte);
  now += 100ms;
  REQUIRE(pace.may_go(PublishPace::kLargest, now));
  pace.on_write(PublishPace::kLargest, now);
  pace.on_answer(PublishPace::kLargest);
  CHECK(pace.wait_for(kMebibyte, now) > 400ms);
  CHECK(pace.wait_for(kMebibyte, now) < 450ms);
}
