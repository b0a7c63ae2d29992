// The retry schedule over simulated time: bounds of each wait, the same time for everybody, the limit, clocks that step.
#include "proto/wire/retry.h"

#include <cmath>
#include <set>

#include "tests/unit/catch.h"

using namespace mas;
using namespace std::chrono_literals;

namespace {

constexpr WallMicros kNow = 1'795'350'096'000'000;
constexpr RetryPolicy kPolicy{.base = 1s, .cap = 60s, .attempts = 5};

int64_t micros(Duration wait) { return std::chrono::duration_cast<std::chrono::microseconds>(wait).count(); }

}  // namespace

TEST_CASE("a wait is uniform between half the base and a ceiling that doubles up to the cap") {
  for (uint32_t attempt = 1; attempt <= 12; ++attempt) {
    const double ceiling = std::min(60.0, std::pow(2.0, attempt - 1));
    double least = 1e9, most = 0, sum = 0;
    constexpr int kDraws = 20'000;
    for (int seed = 0; seed < kDraws; ++seed) {
      double wait = std::chrono::duration<double>(retry_delay(kPolicy, attempt, static_cast<uint64_t>(seed))).count();
      least = std::min(least, wait);
      most = std::max(most, wait);
      sum += wait;
    }
    INFO(attempt);
    CHECK(least >= 0.5);
    CHECK(most <= ceiling);
    CHECK(least < 0.5 + (ceiling - 0.5) * 0.01);
    CHECK(most > ceiling - (ceiling - 0.5) * 0.01);
    CHECK(std::abs(sum / kDraws - (0.5 + ceiling) / 2) < (ceiling - 0.5) * 0.02 + 1e-9);
  }
}

TEST_CASE("whoever reckons finds the same time; different messages find different ones") {
  RetryState here, there;
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    WallMicros now = kNow + i * 100'000'000;
    CHECK(retry_failed(here, kPolicy, now, retry_seed("m1")) == RetryVerdict::kAgain);
    // The other one knows nothing but what is kept.
    if (i > 0) there = *RetryState::decode(bytes);
    CHECK(retry_failed(there, kPolicy, now, retry_seed("m1")) == RetryVerdict::kAgain);
    CHECK(here == there);
    bytes.clear();
    here.encode(bytes);
    CHECK(bytes.size() == RetryState::kEncodedBytes);
  }
  std::set<Duration> waits;
  for (int i = 0; i < 1000; ++i) waits.insert(retry_delay(kPolicy, 6, retry_seed("m" + std::to_string(i))));
  CHECK(waits.size() == 1000);
}

TEST_CASE("a message is given up when its attempts are used up, and remembers since when it failed") {
  RetryState state;
  WallMicros now = kNow;
  for (uint32_t attempt = 1; attempt < kPolicy.attempts; ++attempt) {
    CHECK(retry_failed(state, kPolicy, now, 7) == RetryVerdict::kAgain);
    CHECK(state.next_due == now + micros(retry_delay(kPolicy, attempt, 7)));
    CHECK_FALSE(retry_due(state, kPolicy, state.next_due - 1));
    CHECK(retry_due(state, kPolicy, state.next_due));
    now = state.next_due;
  }
  CHECK(retry_failed(state, kPolicy, now, 7) == RetryVerdict::kGiveUp);
  CHECK(state.attempts == 5);
  CHECK(state.first_failure == kNow);

  RetryState once;
  CHECK(retry_failed(once, {.base = 1s, .cap = 1s, .attempts = 1}, kNow, 7) == RetryVerdict::kGiveUp);
}

TEST_CASE("a policy that changes holds from the next failure on") {
  RetryState state;
  for (int i = 0; i < 4; ++i) CHECK(retry_failed(state, kPolicy, kNow, 7) == RetryVerdict::kAgain);
  CHECK(retry_failed(state, {.base = 1s, .cap = 60s, .attempts = 100}, kNow, 7) == RetryVerdict::kAgain);
  CHECK(retry_failed(state, {.base = 1s, .cap = 60s, .attempts = 3}, kNow, 7) == RetryVerdict::kGiveUp);
  // A cap that became shorter than a wait under way ends it.
  RetryState waiting{3, kNow, kNow + 50'000'000};
  CHECK_FALSE(retry_due(waiting, kPolicy, kNow));
  CHECK(retry_due(waiting, {.base = 1s, .cap = 10s}, kNow));
}

TEST_CASE("a clock that stepped back does not make a message wait for it") {
  RetryState state;
  retry_failed(state, kPolicy, kNow, 7);
  CHECK(retry_due(state, kPolicy, kNow - 3'600'000'000));
  retry_failed(state, kPolicy, kNow - 3'600'000'000, 7);
  CHECK(state.first_failure <= state.next_due);
  CHECK(state.next_due <= kNow - 3'600'000'000 + 60'000'000);
}

TEST_CASE("extreme policies and times stay within bounds") {
  for (uint32_t attempt : {0u, 1u, 63u, 64u, 65u, UINT32_MAX}) {
    CHECK(retry_delay({.base = Duration::max(), .cap = Duration::max()}, attempt, 3) > Duration::zero());
    CHECK(retry_delay({.base = 0ns, .cap = 0ns}, attempt, 3) <= 1ns);
    CHECK(retry_delay({.base = 1s, .cap = Duration::max()}, attempt, 3) >= 500ms);
    CHECK(retry_delay({.base = 10s, .cap = 1s}, attempt, 3) <= 10s);
  }
  RetryState state;
  retry_failed(state, {.base = Duration::max(), .cap = Duration::max()}, INT64_MAX, 3);
  std::string bytes;
  state.encode(bytes);
  CHECK(RetryState::decode(bytes).ok());
}

TEST_CASE("only what encode writes is a retry state") {
  RetryState state{3, kNow, kNow + 5};
  std::string bytes;
  state.encode(bytes);
  CHECK(*RetryState::decode(bytes) == state);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(RetryState::decode(bytes.substr(0, size)).ok());
  CHECK_FALSE(RetryState::decode(bytes + "x").ok());
  std::string other = bytes;
  other[0] = 2;
  CHECK_FALSE(RetryState::decode(other).ok());
  for (RetryState odd : {RetryState{0, kNow, kNow}, RetryState{1, kNow, kNow - 1}, RetryState{1, -5, kNow}}) {
    bytes.clear();
    odd.encode(bytes);
    CHECK_FALSE(RetryState::decode(bytes).ok());
  }
}
