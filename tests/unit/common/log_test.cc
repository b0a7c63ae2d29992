// Log lines: one line each, valid JSON or key=value, whatever the values are.
#include "daemons/common/log.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;

namespace {

std::string json(std::initializer_list<LogField> fields) {
  std::string out;
  append_json_line(out, 0, LogLevel::kInfo, "registryd", "redis_up", {fields.begin(), fields.size()});
  return out;
}

std::string human(std::initializer_list<LogField> fields) {
  std::string out;
  append_human_line(out, 0, LogLevel::kWarn, "redis_down", {fields.begin(), fields.size()});
  return out;
}

}  // namespace

TEST_CASE("JSON lines") {
  CHECK(json({}) == R"({"ts":"1970-01-01T00:00:00.000000Z","level":"info","daemon":"registryd","event":"redis_up"})");
  std::string line = json({{"s", "a\"b"}, {"n", -3}, {"u", uint64_t{7}}, {"f", 0.5}, {"b", true}});
  CHECK(line.ends_with(R"("s":"a\"b","n":-3,"u":7,"f":0.5,"b":true})"));
}

TEST_CASE("human lines") {
  CHECK(human({{"why", "no route"}, {"n", 3}}) == "1970-01-01T00:00:00.000000Z warn  redis_down why=\"no route\" n=3");
  CHECK(human({{"s", ""}}).ends_with(" s=\"\""));
  CHECK(human({{"s", "a=b"}}).ends_with(" s=\"a=b\""));
  CHECK(human({{"s", "a\"b"}}).ends_with(" s=\"a\\\"b\""));
}

TEST_CASE("no value forges a line or moves the cursor") {
  std::string evil = std::string("x\ny\r\x1b[2J\x7f\xc2\x9b") + "31m\t" + std::string(1, '\0');
  for (const std::string& line : {json({{"v", evil}}), human({{"v", evil}})}) {
    for (char c : line) {
      CHECK(static_cast<unsigned char>(c) >= 0x20);
      CHECK(c != 0x7f);
    }
    CHECK(line.find("\xc2\x9b") == std::string::npos);
  }
  CHECK(human({{"v", "a\nb"}}).ends_with(" v=a\\nb"));
  CHECK(json({{"v", "a\nb"}}).ends_with("\"v\":\"a\\nb\"}"));
}

TEST_CASE("invalid UTF-8 and long values") {
  CHECK(human({{"v", "a\xff\xfe"}}).ends_with(" v=a??"));
  CHECK(human({{"v", "maße"}}).ends_with(" v=maße"));
  std::string longest(kMaxLogValueBytes, 'a');
  CHECK(human({{"v", longest}}).ends_with("=" + longest));
  CHECK(human({{"v", longest + "b"}}).ends_with("=" + longest + "…"));
  std::string cut_inside = std::string(kMaxLogValueBytes - 1, 'a') + "éé";
  CHECK(human({{"v", cut_inside}}).ends_with("aa…"));
}

TEST_CASE("a repeated condition is logged first, on change, and every period") {
  using namespace std::chrono_literals;
  RepeatFilter filter(30s);
  MonoTime t{};
  CHECK(filter.should_log("refused", t));
  CHECK_FALSE(filter.should_log("refused", t + 29s));
  CHECK(filter.should_log("timeout", t + 29s));
  CHECK_FALSE(filter.should_log("timeout", t + 58s));
  CHECK(filter.should_log("timeout", t + 59s));
  filter.reset();
  CHECK(filter.should_log("timeout", t + 59s));
}
