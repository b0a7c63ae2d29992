// Token buckets over simulated time: bounds, exact waits, changes of settings, clocks that step; settings from Redis.
#include <deque>
#include <random>

#include "daemons/gatewayd/limits/limiter.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::gateway;

namespace {

constexpr WallMicros kNow = 1'795'350'096'000'000;
constexpr WallMicros kSecond = 1'000'000;
constexpr WallMicros kMinute = 60 * kSecond;
constexpr WallMicros kHour = 60 * kMinute;

/// @return how many of `n` messages at one moment pass.
size_t pass(LimiterState& state, const LimitSettings& settings, WallMicros now, size_t n) {
  size_t passed = 0;
  for (size_t i = 0; i < n; ++i) passed += take(state, settings, now).allowed ? 1 : 0;
  return passed;
}

/// Counts what passed in every window that ends now: no more than capacity + rate * t for any of them.
class WindowCheck {
 public:
  WindowCheck(uint64_t capacity, uint64_t rate, uint64_t period) : capacity_(capacity), rate_(rate), period_(period) {}

  /// A message passed at `now`. The bound for every earlier start is kept as one number: a bucket that starts full.
  bool passed(WallMicros now) {
    times_.push_back(now);
    for (size_t i = 0; i < times_.size(); ++i) {
      uint64_t in_window = times_.size() - i;
      auto micros = static_cast<uint64_t>(now - times_[i]);
      if (in_window > capacity_ + micros * rate_ / period_) return false;
    }
    return true;
  }

 private:
  uint64_t capacity_, rate_, period_;
  std::deque<WallMicros> times_;
};

bool starts_with(const std::string& text, std::string_view head) { return text.starts_with(head); }

Result<LimitSettings> parsed(std::optional<std::string_view> per_minute, std::optional<std::string_view> per_hour,
                             std::optional<std::string_view> burst, const LimitSettings& defaults = {}) {
  std::array<std::optional<std::string_view>, 5> values = {per_minute, per_hour, burst, {}, {}};
  return parse_limits(values, defaults);
}

}  // namespace

TEST_CASE("ten a minute: of a hundred at once exactly ten pass, then one every six seconds") {
  LimiterState state;
  LimitSettings settings{.per_minute = 10};
  CHECK(pass(state, settings, kNow, 100) == 10);
  auto refused = take(state, settings, kNow);
  CHECK(refused.retry_after_ms() == 6000);
  CHECK(refused.describe(settings) == "10 per minute, burst 10");
  CHECK(pass(state, settings, kNow + 6 * kSecond - 1, 100) == 0);
  CHECK(pass(state, settings, kNow + 6 * kSecond, 100) == 1);
  CHECK(pass(state, settings, kNow + 66 * kSecond, 100) == 10);
  CHECK(pass(state, settings, kNow + 24 * kHour, 100) == 10);
}

TEST_CASE("burst is how many pass at once, more or fewer than the rate") {
  LimiterState few, many;
  CHECK(pass(few, {.per_minute = 60, .burst = 5}, kNow, 100) == 5);
  CHECK(pass(many, {.per_minute = 6, .burst = 50}, kNow, 100) == 50);
  CHECK(pass(many, {.per_minute = 6, .burst = 50}, kNow + kMinute, 100) == 6);
}

TEST_CASE("both limits hold; the longer wait is told") {
  LimiterState state;
  LimitSettings settings{.per_minute = 10, .per_hour = 15};
  CHECK(pass(state, settings, kNow, 100) == 10);
  CHECK(pass(state, settings, kNow + kMinute, 100) == 5);  // the hour's bucket got a quarter of a token in a minute
  auto refused = take(state, settings, kNow + kMinute);
  CHECK(refused.period == LimitPeriod::kHour);
  CHECK(refused.describe(settings) == "15 per hour, burst 15");
  CHECK(refused.retry_after_ms() == 240'000 - 60'000);
}

TEST_CASE("a refused message takes nothing of either bucket") {
  LimiterState state;
  LimitSettings settings{.per_minute = 1, .per_hour = 100};
  CHECK(pass(state, settings, kNow, 1) == 1);
  auto before = state;
  CHECK(pass(state, settings, kNow, 1000) == 0);
  CHECK(state == before);
}

TEST_CASE("without a limit everything passes, and a limit that comes finds full buckets") {
  LimiterState state;
  CHECK(pass(state, {}, kNow, 100'000) == 100'000);
  CHECK(state.minute_debt == 0);
  CHECK(pass(state, {.per_hour = 3}, kNow, 100) == 3);
  CHECK(pass(state, {.burst = 7}, kNow, 100) == 100);  // a burst of nothing is no limit
}

TEST_CASE("in no window more than capacity + rate * t, and the rate is reached") {
  std::mt19937_64 random(42);
  const LimitSettings all[] = {{.per_minute = 7},
                               {.per_minute = 100, .burst = 3},
                               {.per_hour = 11},
                               {.per_minute = 13, .per_hour = 50, .burst = 4},
                               {.per_minute = 59, .per_hour = 997}};
  for (const auto& settings : all) {
    LimiterState state;
    WindowCheck minute(settings.minute_capacity(), settings.per_minute, kMinute);
    WindowCheck hour(settings.hour_capacity(), settings.per_hour, kHour);
    WallMicros now = kNow;
    uint64_t passed = 0;
    for (int i = 0; i < 20'000 && passed < 600; ++i) {
      now += static_cast<WallMicros>(random() % (random() % 4 == 0 ? 20 * kSecond : kSecond / 3));
      if (!take(state, settings, now).allowed) continue;
      ++passed;
      INFO(settings.describe());
      if (settings.per_minute > 0) REQUIRE(minute.passed(now));
      if (settings.per_hour > 0) REQUIRE(hour.passed(now));
    }
  }
}

TEST_CASE("a greedy sender gets burst + rate * t exactly, over a year, with rates that divide nothing") {
  for (uint32_t rate : {7u, 11u, 13u, 59u, 61u}) {
    LimiterState state;
    LimitSettings settings{.per_hour = rate, .burst = 1};
    WallMicros now = kNow;
    uint64_t passed = 0;
    for (;;) {
      auto result = take(state, settings, now);
      passed += result.allowed ? 1 : 0;
      if (!result.allowed) now += static_cast<WallMicros>(result.retry_after_micros);
      if (now - kNow > 365 * 24 * kHour) break;
    }
    // Waits end on whole microseconds; the fraction that is left over is not lost, so nothing is missing after a year.
    uint64_t exact = 1 + 365 * 24 * uint64_t{rate};
    CHECK(passed <= exact);
    CHECK(passed >= exact - 1);
  }
}

TEST_CASE("the wait is exact: refused the microsecond before, allowed at it") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 5000; ++round) {
    LimitSettings settings;
    if (random() % 3 != 0) settings.per_minute = 1 + static_cast<uint32_t>(random() % 5000);
    if (settings.per_minute == 0 || random() % 2 == 0) settings.per_hour = 1 + static_cast<uint32_t>(random() % 5000);
    settings.burst = static_cast<uint32_t>(random() % 20);
    LimiterState state;
    WallMicros now = kNow;
    TakeResult result;
    for (int i = 0; i < 100'000 && (result = take(state, settings, now)).allowed; ++i)
      now += static_cast<WallMicros>(random() % 1000);
    auto wait = static_cast<WallMicros>(result.retry_after_micros);
    INFO(settings.describe() << ", wait " << wait);
    REQUIRE(wait > 0);
    REQUIRE(result.retry_after_ms() * int64_t{1000} >= wait);
    LimiterState earlier = state;
    REQUIRE_FALSE(take(earlier, settings, now + wait - 1).allowed);
    REQUIRE(take(state, settings, now + wait).allowed);
  }
}

TEST_CASE("a fraction of a microsecond is waited for, and then not lost") {
  LimitSettings settings{.per_hour = 7, .burst = 2};  // a token every 514,285,714 2/7 microseconds
  LimiterState state;
  CHECK(pass(state, settings, kNow, 3) == 2);
  WallMicros now = kNow;
  for (WallMicros wait : {514'285'715, 514'285'714, 514'285'714, 514'285'715}) {
    CHECK(take(state, settings, now).retry_after_micros == static_cast<uint64_t>(wait));
    now += wait;
    CHECK(pass(state, settings, now, 2) == 1);
  }
}

TEST_CASE("the largest numbers do not overflow") {
  LimitSettings settings{.per_minute = kMaxRate, .per_hour = kMaxRate, .burst = kMaxRate};
  LimiterState state{kNow, uint64_t{kMaxRate} * 60'000'000, uint64_t{kMaxRate} * 3'600'000'000};
  CHECK_FALSE(take(state, settings, kNow).allowed);
  CHECK(take(state, settings, kNow + 4).allowed);
  CHECK(take(state, settings, INT64_MAX).allowed);
  CHECK(state.minute_debt == 60'000'000);
  CHECK(take(state, settings, -1).allowed);
  LimiterState slow;
  CHECK(take(slow, {.per_hour = 1}, kNow).allowed);
  CHECK(take(slow, {.per_hour = 1}, kNow).retry_after_ms() == 3'600'000);
}

TEST_CASE("time that goes back brings nothing, and locks nobody out") {
  LimitSettings settings{.per_minute = 60};
  LimiterState state;
  CHECK(pass(state, settings, kNow, 100) == 60);
  CHECK(pass(state, settings, kNow - 5 * kSecond, 100) == 0);
  auto refused = take(state, settings, kNow - 5 * kSecond);
  CHECK(refused.retry_after_ms() == 6000);
  CHECK(pass(state, settings, kNow, 100) == 0);
  CHECK(pass(state, settings, kNow + kSecond, 100) == 1);
  // Back and forth, a second at a time: what flows is what the latest time gives.
  for (int i = 0; i < 100; ++i) CHECK(pass(state, settings, kNow + (i % 2 == 0 ? 0 : kSecond), 100) == 0);
  // An hour back: from there it goes on at once.
  CHECK(pass(state, settings, kNow - kHour, 100) == 0);
  CHECK(pass(state, settings, kNow - kHour + kSecond, 100) == 1);
}

TEST_CASE("settings that change hold at once") {
  LimiterState state;
  CHECK(pass(state, {.per_minute = 10}, kNow, 100) == 10);
  SECTION("a larger burst can be used at once") { CHECK(pass(state, {.per_minute = 100}, kNow, 100) == 90); }
  SECTION("a smaller one is waited for at the new rate, not for the old debt") {
    LimitSettings small{.per_minute = 1};
    CHECK(take(state, small, kNow).retry_after_ms() == 60'000);
    CHECK(pass(state, small, kNow + kMinute, 100) == 1);
  }
  SECTION("a limit that is lifted and comes back finds full buckets") {
    CHECK(pass(state, {}, kNow, 5) == 5);
    CHECK(pass(state, {.per_minute = 10}, kNow, 100) == 10);
  }
}

TEST_CASE("the state survives being carried over, and goes on where it was") {
  std::mt19937_64 random(3);
  LimitSettings settings{.per_minute = 90, .per_hour = 700, .burst = 9};
  LimiterState kept, carried;
  WallMicros now = kNow;
  for (int i = 0; i < 2000; ++i) {
    now += static_cast<WallMicros>(random() % kSecond);
    std::string bytes;
    carried.encode(bytes);
    REQUIRE(bytes.size() == LimiterState::kEncodedBytes);
    auto decoded = LimiterState::decode(bytes);
    REQUIRE(decoded.ok());
    carried = *decoded;
    REQUIRE(take(carried, settings, now).allowed == take(kept, settings, now).allowed);
    REQUIRE(carried == kept);
  }
}

TEST_CASE("bytes that are no state are refused") {
  std::string good;
  LimiterState{kNow, 1, 2}.encode(good);
  for (size_t size = 0; size < good.size(); ++size) CHECK_FALSE(LimiterState::decode(good.substr(0, size)).ok());
  CHECK_FALSE(LimiterState::decode(good + "x").ok());
  std::string version = good;
  version[0] = 2;
  CHECK_FALSE(LimiterState::decode(version).ok());
  for (size_t last : {8u, 16u, 24u}) {  // a negative time; debts that no limiter leaves behind
    std::string broken = good;
    broken[last] = '\xff';
    CHECK_FALSE(LimiterState::decode(broken).ok());
  }
}

TEST_CASE("settings of an agent stand over the defaults, field by field") {
  LimitSettings defaults{.per_minute = 600, .per_hour = 10'000, .burst = 50};
  CHECK(*parsed({}, {}, {}, defaults) == defaults);
  CHECK(*parsed("0", "0", {}, defaults) == LimitSettings{0, 0, 0});
  CHECK(*parsed("10", {}, {}, defaults) == LimitSettings{10, 10'000, 0});  // the default burst goes with its rate
  CHECK(*parsed("10", {}, "20", defaults) == LimitSettings{10, 10'000, 20});
  CHECK(*parsed({}, "99", {}, defaults) == LimitSettings{600, 99, 50});
  CHECK(*parsed({}, {}, "7", defaults) == LimitSettings{600, 10'000, 7});
  CHECK(*parsed({}, "99", {}, {.per_hour = 5, .burst = 3}) == LimitSettings{0, 99, 0});
  CHECK(parsed("1000000000", {}, {})->per_minute == kMaxRate);
}

TEST_CASE("settings that cannot be read are an error, never no limit") {
  for (const char* wrong : {"", " 1", "1 ", "-1", "+1", "1.5", "ten", "1e3", "1000000001", "99999999999999999999"}) {
    auto settings = parsed({}, wrong, {});
    REQUIRE_FALSE(settings.ok());
    CHECK(settings.error().code == Errc::kMalformed);
    CHECK(starts_with(settings.error().message, "per_hour is '"));
  }
  CHECK_FALSE(parsed("x", {}, {}).ok());
  CHECK_FALSE(parsed({}, {}, "x").ok());
}

TEST_CASE("settings describe themselves") {
  CHECK(LimitSettings{}.describe() == "no limit");
  CHECK(LimitSettings{10, 0, 0}.describe() == "10 per minute, burst 10");
  CHECK(LimitSettings{10, 100, 20}.describe() == "10 per minute, 100 per hour, burst 20");
  CHECK(LimitSettings{0, 100, 20}.describe() == "100 per hour, burst 20");
}

TEST_CASE("bytes have a bucket of their own, as exact as that of messages") {
  LimiterState state;
  LimitSettings settings{.bytes_per_minute = 60'000, .burst_bytes = 10'000};
  CHECK_FALSE(settings.unlimited());
  CHECK(take(state, settings, kNow, 4'000).allowed);
  CHECK(take(state, settings, kNow, 6'000).allowed);
  auto refused = take(state, settings, kNow, 500);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.period == LimitPeriod::kBytes);
  CHECK(refused.retry_after_micros == 500'000);  // a thousand bytes a second
  CHECK(refused.describe(settings) == "60000 bytes per minute, burst 10000");
  CHECK_FALSE(take(state, settings, kNow + 499'999, 500).allowed);
  CHECK(take(state, settings, kNow + 500'000, 500).allowed);
  CHECK_FALSE(take(state, settings, kNow + 500'000, 1).allowed);
  CHECK(take(state, settings, kNow + 500'000, 0).allowed);
  auto never = take(state, settings, kNow + kHour, 10'001);
  CHECK_FALSE(never.allowed);
  CHECK(never.retry_after_ms() == 0);
  CHECK(never.describe(settings) == "60000 bytes per minute, burst 10000; the message is larger than that");
  CHECK(take(state, settings, kNow + kHour, 10'000).allowed);
}

TEST_CASE("what one bucket refuses takes nothing of the others") {
  LimiterState state;
  LimitSettings settings{.per_minute = 2, .bytes_per_minute = 1000};
  CHECK_FALSE(take(state, settings, kNow, 1001).allowed);
  CHECK(take(state, settings, kNow, 600).allowed);
  CHECK_FALSE(take(state, settings, kNow, 600).allowed);
  CHECK(take(state, settings, kNow, 400).allowed);
  CHECK(take(state, settings, kNow, 0).period == LimitPeriod::kMinute);
  CHECK(settings.describe() == "2 per minute, burst 2, 1000 bytes per minute, burst 1000");
}

TEST_CASE("in any span no more bytes pass than capacity and rate allow, also at the largest values") {
  std::mt19937_64 random(77);
  LimiterState state;
  LimitSettings settings{.bytes_per_minute = 600'000, .burst_bytes = 5'000};
  WallMicros now = kNow;
  std::deque<std::pair<WallMicros, uint64_t>> passed;
  for (int i = 0; i < 2000; ++i) {
    now += static_cast<WallMicros>(random() % 200'000);
    const uint64_t bytes = random() % 5'001;
    if (!take(state, settings, now, bytes).allowed) continue;
    passed.emplace_back(now, bytes);
    uint64_t sum = 0;
    for (auto it = passed.rbegin(); it != passed.rend(); ++it) {
      sum += it->second;
      REQUIRE(sum <= 5'000 + static_cast<uint64_t>(now - it->first) * 600'000 / kMinute);
    }
  }
  LimitSettings most{.bytes_per_minute = kMaxByteRate};
  LimiterState full{.updated = kNow, .byte_debt = kMaxByteRate * 60'000'000};
  CHECK_FALSE(take(full, most, kNow, 1).allowed);
  CHECK(take(full, most, kNow + kMinute, kMaxByteRate).allowed);
  LimitSettings slow{.bytes_per_minute = 1, .burst_bytes = kMaxByteRate};
  full.byte_debt = kMaxByteRate * 60'000'000;
  CHECK(take(full, slow, full.updated, 64 << 20).retry_after_ms() == UINT32_MAX);
}

TEST_CASE("a state with a debt of bytes is carried over; one without is written as before") {
  LimiterState state{.updated = kNow, .minute_debt = 5, .hour_debt = 6};
  std::string old, bytes;
  state.encode(old);
  CHECK(old.size() == LimiterState::kEncodedBytes);
  CHECK(old[0] == 1);
  state.byte_debt = 7;
  state.encode(bytes);
  CHECK(bytes[0] == 2);
  auto decoded = LimiterState::decode(bytes);
  REQUIRE(decoded.ok());
  CHECK(*decoded == state);
  CHECK_FALSE(LimiterState::decode(bytes.substr(0, bytes.size() - 1)).ok());
  bytes.replace(bytes.size() - 8, 8, std::string(8, '\0'));
  CHECK_FALSE(LimiterState::decode(bytes).ok());
}

TEST_CASE("limits of bytes from Redis") {
  using Texts = std::array<std::optional<std::string_view>, 5>;
  LimitSettings defaults{.bytes_per_minute = 100, .burst_bytes = 30};
  CHECK(parse_limits(Texts{}, defaults)->burst_bytes == 30);
  auto own = parse_limits(Texts{{{}, {}, {}, "100000000000", {}}}, defaults);
  CHECK(own->bytes_per_minute == kMaxByteRate);
  CHECK(own->byte_capacity() == kMaxByteRate);
  CHECK(parse_limits(Texts{{{}, {}, {}, {}, "7"}}, defaults)->burst_bytes == 7);
  CHECK_FALSE(parse_limits(Texts{{{}, {}, {}, "100000000001", {}}}, defaults).ok());
}

TEST_CASE("a hash of limits says rates and attempts, each readable by itself") {
  using Values = std::vector<std::optional<std::string_view>>;
  const LimitSettings defaults{.per_minute = 10, .per_hour = 100, .burst = 20};
  auto none = read_own_limits(Values(kOwnLimitFields.size()), defaults);
  CHECK_FALSE(none.any);
  CHECK(none.limits->per_minute == 10);
  CHECK_FALSE(none.attempts->has_value());
  auto some = read_own_limits(Values{"7", {}, {}, {}, {}, "0"}, defaults);
  CHECK(some.any);
  CHECK(some.limits->per_minute == 7);
  CHECK_FALSE(some.attempts.ok());
  auto attempts = read_own_limits(Values{{}, {}, {}, {}, {}, "3"}, defaults);
  CHECK_FALSE(attempts.any);
  CHECK(**attempts.attempts == 3);
  auto bad = read_own_limits(Values{"many", {}, {}, {}, {}, "3"}, defaults);
  CHECK_FALSE(bad.limits.ok());
  CHECK(**bad.attempts == 3);
  CHECK(read_own_limits(Values{}, defaults).limits.error().message == "the limits cannot be read");
}
