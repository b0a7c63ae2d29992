// The retry schedule over simulated time: bounds of each wait, the same time for everybody, the limit, clocks that
// step.
#include "proto/wire/retry.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/record_batch.h"
#include "proto/wire/waiting_retry.h"

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
    auto verdict = retry_failed(here, kPolicy, now, retry_seed("m1"));
    CHECK(verdict.again);
    // The other one knows nothing but what is kept.
    if (i > 0) there = *RetryState::decode(bytes);
    CHECK(retry_failed(there, kPolicy, now, retry_seed("m1")).due == verdict.due);
    CHECK(here == there);
    bytes.clear();
    here.encode(bytes);
    CHECK(bytes.size() == RetryState::kEncodedBytes);
  }
  std::set<Duration> waits;
  for (int i = 0; i < 1000; ++i) waits.insert(retry_delay(kPolicy, 6, retry_seed("m" + std::to_string(i))));
  CHECK(waits.size() == 1000);
}

TEST_CASE("a message is given up when its attempts are used up") {
  RetryState state{0, kNow};
  WallMicros now = kNow;
  for (uint32_t attempt = 1; attempt < kPolicy.attempts; ++attempt) {
    auto verdict = retry_failed(state, kPolicy, now, 7);
    CHECK(verdict.again);
    CHECK(verdict.due == now + micros(retry_delay(kPolicy, attempt, 7)));
    now = verdict.due;
  }
  CHECK_FALSE(retry_failed(state, kPolicy, now, 7).again);
  CHECK(state == RetryState{5, kNow});

  RetryState once;
  CHECK_FALSE(retry_failed(once, {.base = 1s, .cap = 1s, .attempts = 1}, kNow, 7).again);
}

TEST_CASE("a policy that changes holds from the next failure on") {
  RetryState state;
  for (int i = 0; i < 4; ++i) CHECK(retry_failed(state, kPolicy, kNow, 7).again);
  CHECK(retry_failed(state, {.base = 1s, .cap = 60s, .attempts = 100}, kNow, 7).again);
  CHECK_FALSE(retry_failed(state, {.base = 1s, .cap = 60s, .attempts = 3}, kNow, 7).again);
}

TEST_CASE("extreme policies and times stay within bounds") {
  for (uint32_t attempt : {0u, 1u, 63u, 64u, 65u, UINT32_MAX}) {
    CHECK(retry_delay({.base = Duration::max(), .cap = Duration::max()}, attempt, 3) > Duration::zero());
    CHECK(retry_delay({.base = 0ns, .cap = 0ns}, attempt, 3) <= 1ns);
    CHECK(retry_delay({.base = 1s, .cap = Duration::max()}, attempt, 3) >= 500ms);
    CHECK(retry_delay({.base = 10s, .cap = 1s}, attempt, 3) <= 10s);
  }
  RetryState state;
  CHECK(retry_failed(state, {.base = Duration::max(), .cap = Duration::max()}, INT64_MAX, 3).due > 0);
  std::string bytes;
  state.encode(bytes);
  CHECK(RetryState::decode(bytes).ok());
}

TEST_CASE("only what encode writes is a retry state") {
  RetryState state{3, kNow};
  std::string bytes;
  state.encode(bytes);
  CHECK(*RetryState::decode(bytes) == state);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(RetryState::decode(bytes.substr(0, size)).ok());
  CHECK_FALSE(RetryState::decode(bytes + "x").ok());
  for (RetryState odd : {RetryState{0, kNow}, RetryState{1, -5}}) {
    bytes.clear();
    odd.encode(bytes);
    CHECK_FALSE(RetryState::decode(bytes).ok());
  }
}

TEST_CASE(
    "a message that waits, and a report of a failed handler, are read as they were written, and nothing else is") {
  WaitingRetry waiting;
  waiting.flags = Record::kReplayed;
  waiting.lane = Lane::kHigh;
  waiting.index = 7;
  waiting.agent = "bob";
  waiting.entry = "1795350096000-3";
  waiting.state = {2, kNow};
  std::string ticket(kTicketBytes, 't'), bytes;
  waiting.ticket = ticket;
  waiting.envelope = "{}";
  waiting.encode(bytes);
  auto read = WaitingRetry::decode(bytes);
  REQUIRE(read.ok());
  CHECK(read->flags == (Record::kReplayed | Record::kTicket));
  CHECK(read->lane == Lane::kHigh);
  CHECK(read->index == 7);
  CHECK(read->agent == "bob");
  CHECK(read->entry == waiting.entry);
  CHECK(read->state == waiting.state);
  CHECK(read->ticket == ticket);
  CHECK(read->envelope == "{}");
  for (size_t size = 0; size + 2 < bytes.size(); ++size) CHECK_FALSE(WaitingRetry::decode(bytes.substr(0, size)).ok());
  for (size_t at : {0u, 1u, 2u}) {
    std::string other = bytes;
    other[at] = '\x7f';
    CHECK_FALSE(WaitingRetry::decode(other).ok());
  }

  FailureReport report{Lane::kBulk, 3, 40, "5-0", "handler: handler failed"};
  bytes.clear();
  report.encode(bytes);
  auto told = FailureReport::decode(bytes);
  REQUIRE(told.ok());
  CHECK(told->lane == Lane::kBulk);
  CHECK(told->index == 3);
  CHECK(told->handled == 40);
  CHECK(told->entry == "5-0");
  CHECK(told->reason == report.reason);
  CHECK_FALSE(FailureReport::decode(bytes + "x").ok());
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(FailureReport::decode(bytes.substr(0, size)).ok());
  for (std::string_view id : {"", "5", "5-", "-5", "05-1", "5-x", "5-0-0", "99999999999999999999-0"}) {
    bytes.clear();
    FailureReport{Lane::kLow, 0, 0, id, {}}.encode(bytes);
    CHECK_FALSE(FailureReport::decode(bytes).ok());
  }
  bytes.clear();
  FailureReport{Lane::kLow, 0, 0, "5-0", "two\nlines"}.encode(bytes);
  CHECK_FALSE(FailureReport::decode(bytes).ok());
  CHECK(*time_of_entry("1795350096000-3") == 1'795'350'096'000'000);
}

TEST_CASE("a report names the senders' partition only on a cluster, and its bytes are those of the protocol") {
  using namespace std::literals;
  FailureReport report{Lane::kHigh, 2, 9, "5-0", "no"};
  std::string bytes;
  report.encode(bytes);
  const std::string old = "\1\1\2\0\0\0\x9\0\0\0\3\0"s + "5-0" + "\2\0no"s;
  CHECK(bytes == old);
  CHECK_FALSE(FailureReport::decode(old)->partition);

  report.partition = 258;
  bytes.clear();
  report.encode(bytes);
  CHECK(bytes == "\2"s + old.substr(1) + "\2\1\0\0"s);
  auto read = FailureReport::decode(bytes);
  REQUIRE(read.ok());
  CHECK(read->partition == 258u);
  CHECK(read->lane == Lane::kHigh);
  CHECK(read->entry == "5-0");
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(FailureReport::decode(bytes.substr(0, size)).ok());
  CHECK_FALSE(FailureReport::decode(bytes + "x").ok());
  CHECK_FALSE(FailureReport::decode("\3"s + bytes.substr(1)).ok());

  report.partition = 1024;
  bytes.clear();
  report.encode(bytes);
  CHECK_FALSE(FailureReport::decode(bytes).ok());
}
