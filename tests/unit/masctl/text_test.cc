// Text for people: escaping, tables, durations, numbers of seconds.
#include "sdk/masctl/cli/text.h"

#include "sdk/masctl/cli/exit_code.h"
#include "sdk/masctl/cli/times.h"
#include "sdk/masctl/commands/event_line.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

TEST_CASE("visible escapes what a terminal would act on and leaves the rest") {
  CHECK(visible("plain text, maße, 日本, 🎉") == "plain text, maße, 日本, 🎉");
  CHECK(visible("\x1b[31mred") == "\\x1b[31mred");
  CHECK(visible("a\nb\tc\rd") == "a\\nb\\tc\\x0dd");
  CHECK(visible(std::string("nul\0byte", 8)) == "nul\\x00byte");
  CHECK(visible("\x7f") == "\\u007f");
  CHECK(visible("\xc2\x9b") == "\\u009b");              // CSI as one code point
  CHECK(visible("\xe2\x80\xae") == "\\u202e");          // right-to-left override
  CHECK(visible("\xe2\x81\xa6") == "\\u2066");          // isolate
  CHECK(visible("\xff\xfe!") == "\\xff\\xfe!");         // not UTF-8
  CHECK(visible("\xe2\x82") == "\\xe2\\x82");           // cut short
  CHECK(visible("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(visible("") == "");
}

TEST_CASE("one_line joins the lines of a JSON text") {
  CHECK(one_line("{\n  \"a\": 1,\r\n  \"b\": 2\n}") == "{   \"a\": 1,    \"b\": 2 }");
}

TEST_CASE("brief_duration shows the precision people ask for") {
  CHECK(brief_duration(-3) == "0s");
  CHECK(brief_duration(3.9) == "3s");
  CHECK(brief_duration(119) == "119s");
  CHECK(brief_duration(120) == "2m");
  CHECK(brief_duration(7200) == "2h");
  CHECK(brief_duration(48 * 3600) == "2d");
}

TEST_CASE("parse_seconds takes positive decimals up to a day") {
  REQUIRE(parse_seconds("2").ok());
  CHECK(*parse_seconds("2") == std::chrono::seconds(2));
  CHECK(*parse_seconds("0.5") == std::chrono::milliseconds(500));
  for (const char* wrong : {"", "0", "-1", "1s", "nan", "inf", "86401", "1e3", " 1", "1 "}) {
    INFO(wrong);
    CHECK(!parse_seconds(wrong).ok());
  }
}

TEST_CASE("a table is aligned by code points for people and tab-separated for programs") {
  Table table({"ID", "WHAT"});
  CHECK(table.empty());
  table.add({"maße", "x"});
  table.add({"a", "two\nlines"});
  CHECK(table.aligned() == "ID    WHAT\nmaße  x\na     two\\nlines\n");
  CHECK(table.tab_separated() == "maße\tx\na\ttwo\\nlines\n");
}

TEST_CASE("a table drops trailing blanks and fills missing cells") {
  Table table({"A", "B"});
  table.add({"long one"});
  CHECK(table.aligned() == "A         B\nlong one\n");
}

TEST_CASE("every exit code is in the table once, in order") {
  auto docs = exit_code_docs();
  REQUIRE(docs.size() == 9);
  for (size_t i = 1; i < docs.size(); ++i) CHECK(docs[i - 1].value < docs[i].value);
}

TEST_CASE("errors have the exit code that scripts act on") {
  CHECK(exit_code_of(Errc::kInvalidArgument) == ExitCode::kUsage);
  CHECK(exit_code_of(Errc::kUnreachable) == ExitCode::kUnreachable);
  CHECK(exit_code_of(Errc::kAuthFailed) == ExitCode::kUnreachable);
  CHECK(exit_code_of(Errc::kTimeout) == ExitCode::kTimedOut);
  CHECK(exit_code_of(Errc::kCancelled) == ExitCode::kInterrupted);
  CHECK(exit_code_of(Errc::kNoReceiver) == ExitCode::kFailed);
  CHECK(exit_code_of(Errc::kNotFound) == ExitCode::kFailed);
}

TEST_CASE("an event is one line, whatever its texts hold") {
  Event event;
  event.type = EventType::kRegister;
  event.type_text = "REGISTER";
  event.agent_id = "ali\x1b[2Jce";
  event.capabilities = {"chat", "su\nm"};
  CHECK(event_line(event, 1'795'350'097'000'000) == "2026-11-22T12:21:37Z  REGISTER  ali\\x1b[2Jce  chat, su\\nm");
  event.timestamp = 0.5;
  CHECK(event_line(event, 0).starts_with("1970-01-01T00:00:00Z"));
}

TEST_CASE("times out of range do not break the line") {
  CHECK(utc_seconds(-5) == "1970-01-01T00:00:00Z");
  CHECK(utc_seconds(1e300) == "9999-12-31T23:59:59Z");
  CHECK(utc_seconds(std::numeric_limits<double>::quiet_NaN()) == "1970-01-01T00:00:00Z");
}

TEST_CASE("periods have a unit and a bound") {
  CHECK(*parse_period("45s") == std::chrono::seconds(45));
  CHECK(*parse_period("90m") == std::chrono::minutes(90));
  CHECK(*parse_period("24h") == std::chrono::hours(24));
  CHECK(*parse_period("30d") == std::chrono::hours(720));
  CHECK(*parse_period("36500d") == std::chrono::hours(24 * 36'500));
  for (const char* bad : {"", "0", "0d", "30", "d", "-1d", "1.5h", "1 d", "30D", "1d1h", "36501d", "999999999999s",
                          "99999999999999999999d", "1w"})
    CHECK_FALSE(parse_period(bad).ok());
}

TEST_CASE("the time of an option is a date, seconds since 1970, or how long ago") {
  constexpr WallMicros kNow = 1'795'350'096'000'000;
  CHECK(*parse_when("90s", kNow) == kNow - 90'000'000);
  CHECK(*parse_when("2h", kNow) == kNow - 7'200'000'000);
  CHECK(*parse_when("1795350096", kNow) == kNow);
  CHECK(time_text(*parse_when("2026-11-24T12:00:00Z", kNow)).starts_with("2026-11-24T12:00:00"));
  WallMicros bound = 5;
  CHECK(parse_bound("--since", "", kNow, bound).ok());
  CHECK(bound == 5);
  CHECK(parse_bound("--since", "1m", kNow, bound).ok());
  CHECK(bound == kNow - 60'000'000);
  auto bad = parse_bound("--since", "2026-13-01", kNow, bound);
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().message.starts_with("--since: '2026-13-01' is not a time"));
}
