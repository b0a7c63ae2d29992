// Ids, clocks, backoff, histogram, JSON writer, state machine: edge cases of proto/base.
#include <set>

#include "proto/base/backoff.h"
#include "proto/base/clock.h"
#include "proto/base/histogram.h"
#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/random.h"
#include "proto/base/state_machine.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("agent ids: what is admitted and what the refusal says") {
  CHECK(check_agent_id("a").ok());
  CHECK(check_agent_id("0.A-b_9").ok());
  CHECK(check_agent_id(std::string(128, 'x')).ok());
  CHECK_FALSE(check_agent_id("").ok());
  CHECK_FALSE(check_agent_id(std::string(129, 'x')).ok());
  for (const char* bad : {".a", "-a", "_a", "a b", "a:b", "a*", "ä", "a\n"}) {
    auto status = check_agent_id(bad);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == Errc::kInvalidArgument);
    CHECK(status.error().message.find("[A-Za-z0-9._-]") != std::string::npos);
    CHECK(status.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("foreign ids: UTF-8 without control characters") {
  CHECK(is_foreign_agent_id("maße:1 x"));
  CHECK_FALSE(is_foreign_agent_id(""));
  CHECK_FALSE(is_foreign_agent_id("a\x01"));
  CHECK_FALSE(is_foreign_agent_id("a\u009b31m"));
  CHECK(is_foreign_agent_id("a\u00a0"));
  CHECK_FALSE(is_foreign_agent_id("a\xff"));
  CHECK_FALSE(is_foreign_agent_id(std::string(513, 'a')));
}

TEST_CASE("printable text is cut between characters and has no control characters") {
  CHECK(printable("a\nb\x1b\u009bé") == "a?b??é");
  CHECK(printable("\xff\xfe"
                  "a") == "??a");
  CHECK(printable(std::string(65, 'a')) == std::string(64, 'a') + "…");
  CHECK(printable("ééé", 3) == "é…");
}

TEST_CASE("UUIDv7 carries the time, version and variant, and does not repeat") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    std::string text;
    append_uuid(text, new_uuid_v7(1'795'350'097'286'038));
    REQUIRE(text.size() == 36);
    CHECK(text.substr(0, 13) == "01a20334-6d86");
    CHECK(text[14] == '7');
    CHECK(std::string("89ab").find(text[19]) != std::string::npos);
    seen.insert(text);
  }
  CHECK(seen.size() == 1000);
  CHECK(new_instance_id().hex().size() == 32);
  CHECK(random_token(32).size() == 43);
}

TEST_CASE("times as text") {
  std::string out;
  append_seconds(out, 1'795'350'097'000'038);
  CHECK(out == "1795350097.000038");
  out.clear();
  append_rfc3339(out, 0);
  CHECK(out == "1970-01-01T00:00:00.000000Z");
  out.clear();
  append_rfc3339(out, 1'709'210'096'000'001);
  CHECK(out == "2024-02-29T12:34:56.000001Z");
}

TEST_CASE("backoff grows to its cap, never below half its base") {
  using std::chrono::milliseconds;
  Backoff backoff(milliseconds(100), milliseconds(1000));
  CHECK(backoff.next(UINT64_MAX) <= milliseconds(100));
  for (int i = 0; i < 100; ++i) {
    auto wait = backoff.next(random_u64());
    CHECK(wait >= milliseconds(50));
    CHECK(wait <= milliseconds(1000));
  }
  CHECK(backoff.attempts() == 101);
  backoff.reset();
  CHECK(backoff.next(random_u64()) <= milliseconds(100));
}

TEST_CASE("histogram: exact below 128, within 1/64 above, whole range") {
  Histogram h;
  CHECK(h.quantile(0.5) == 0);
  for (uint64_t v = 1; v <= 100; ++v) h.record(v);
  CHECK(h.quantile(0.5) == 50);
  CHECK(h.quantile(0.99) == 99);
  CHECK(h.quantile(1.0) == 100);
  CHECK(h.quantile(0.0) == 1);
  CHECK(h.mean() == Approx(50.5));
  CHECK(h.count_at_or_below(50) == 50);
  for (uint64_t v : {uint64_t{1000}, uint64_t{123'456'789}, uint64_t{1} << 62, UINT64_MAX}) {
    Histogram one;
    one.record(v);
    one.record(UINT64_MAX);
    CHECK(one.quantile(0.5) >= v);
    CHECK(static_cast<double>(one.quantile(0.5)) <= static_cast<double>(v) * (1 + 1.0 / 64));
  }
  Histogram other;
  other.record_n(200, 100);
  h.merge(other);
  CHECK(h.count() == 200);
  CHECK(h.max() == 200);
  CHECK(h.min() == 1);
}

TEST_CASE("JSON writer: commas, escapes, numbers") {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("a").string("q\"\\\n\x01é").key("b").begin_array().integer(-5).number(0.1).null().end_array();
  w.key("c").begin_object().end_object().key("d").boolean(true).key("e").number(1.0 / 0.0).end_object();
  CHECK(out == "{\"a\":\"q\\\"\\\\\\n\\u0001é\",\"b\":[-5,0.1,null],\"c\":{},\"d\":true,\"e\":null}");
}

TEST_CASE("state machine knows the legal moves") {
  enum class State : uint8_t { kA, kB, kC };
  static constexpr auto kMoves = transitions<State>({{State::kA, State::kB}, {State::kB, State::kC}});
  StateMachine<State> machine(State::kA, kMoves);
  CHECK(machine.may(State::kB));
  CHECK_FALSE(machine.may(State::kC));
  machine.to(State::kB);
  CHECK(machine.is(State::kB));
}

namespace {
struct NamedOp {
  enum class State : uint8_t { kIdle, kAsked, kPhase2 };
};
}  // namespace

TEST_CASE("an illegal move is told with the names of the machine and of both states") {
  using State = NamedOp::State;
  static constexpr auto kMoves = transitions<State>({{State::kIdle, State::kAsked}});
  const std::string text = StateMachine<State>(State::kIdle, kMoves).illegal_move(State::kPhase2);
  CHECK(text.starts_with("illegal state transition "));
  CHECK(text.find("NamedOp::State::kIdle -> ") != std::string::npos);
  CHECK(text.ends_with("NamedOp::State::kPhase2"));
  CHECK(state_name(static_cast<State>(3)) == "?");
}
