// What scanning and rewriting cost at worst, in steps that are the same on every machine: linear in the message
// whatever it holds, and refused where it would be more.
#include <functional>

#include "daemons/gatewayd/dlp/stage.h"
#include "proto/wire/data_key.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

std::shared_ptr<const Rules> all_types(Action action) {
  auto rules = std::make_shared<Rules>(*rules_with({}));
  rules->enabled.set();
  for (TypeRule& type : rules->types) type.action = action;
  return rules;
}

std::string repeated(const std::string& unit, size_t bytes) {
  std::string text;
  text.reserve(bytes + unit.size());
  while (text.size() < bytes) text += unit;
  return text;
}

constexpr size_t kMegabyte = 1 << 20;

}  // namespace

TEST_CASE("many values that share their beginning are rewritten in one pass") {
  std::string list, run(900'000, 'a');
  for (size_t i = 1; i <= 235; ++i) list += std::string(i % 60 + 1, 'a') + std::to_string(i) + "@example.com ";
  ScanCase at(all_types(Action::kRedact));
  size_t steps = 0;
  for (const std::string& tail : {std::string(), run}) {
    std::string message = R"({"list":")" + list + R"(","tail":")" + tail + R"("})", out;
    at.scan(message);
    REQUIRE(at.scanner->report().findings.size() == 235);
    size_t taken = append_rewritten(*at.scanner, message, nullptr, out);
    CHECK(out.find("1@example.com") == std::string::npos);
    CHECK(out.find(R"("tail":")" + tail) != std::string::npos);
    if (steps > 0) CHECK(taken <= steps + tail.size() + 64);
    steps = taken;
  }
}

TEST_CASE("paths of encrypted values are made once each, whatever their number and depth") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  ScanCase at(all_types(Action::kEncrypt));
  auto steps_of = [&](size_t count, size_t depth) {
    std::string message, out;
    for (size_t i = 0; i < depth; ++i) message += R"({"level":)";
    message += "[";
    for (size_t i = 0; i < count; ++i)
      message += (i > 0 ? ",\"" : "\"") + std::string("219-45-") + std::to_string(1000 + i) + "\"";
    message += "]" + std::string(depth, '}');
    at.scan(message);
    INFO(at.scanner->report().refused << " " << at.scanner->work().steps << " steps of " << message.size() << " bytes");
    REQUIRE(at.scanner->report().findings.size() == count);
    size_t steps = append_rewritten(*at.scanner, message, &*key, out);
    auto back = decrypt_values(out, "$", std::vector<DataKey>{*key});
    REQUIRE(back.ok());
    CHECK(back->opened == count);
    CHECK(back->json == message);
    return steps;
  };
  size_t once = steps_of(1000, 90), twice = steps_of(2000, 90);
  CHECK(twice <= once * 2 + 1000);
  CHECK(steps_of(1000, 45) <= once);
}

TEST_CASE("a value whose path is too long to be bound to its token is masked") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  ScanCase at(all_types(Action::kEncrypt));
  for (size_t bytes : {1000U, 1100U}) {
    std::string name(bytes, 'k');
    std::string out = at.rewritten(R"({")" + name + R"(":"219-45-9876"})", &*key);
    CHECK((out.find("{mas:enc:") != std::string::npos) == (bytes == 1000));
    CHECK((out.find("XXX-XX-9876") != std::string::npos) == (bytes == 1100));
  }
}

TEST_CASE("keys with many findings are renamed in one pass, and values below them come back") {
  auto key = DataKey::of("k1", "0123456789abcdef0123456789abcdeF");
  REQUIRE(key.ok());
  ScanCase at(all_types(Action::kEncrypt));
  std::string message = R"({"219-45-9876 and \"219-45-9877\"":{"a\u0020 219-45-9878":["219-45-9879"]}})";
  auto back = decrypt_values(at.rewritten(message, &*key), "$", std::vector<DataKey>{*key});
  REQUIRE(back.ok());
  CHECK(back->opened == 4);
  CHECK(back->json == R"({"219-45-9876 and \"219-45-9877\"":{"a\u0020 219-45-9878":["219-45-9879"]}})");
}

TEST_CASE("a message with more values to hide than one may hold is blocked, and says so") {
  HmacKey tags(std::string(32, 'k'));
  auto look = [&](Action action, size_t count) {
    auto stage = ContentStage::make(all_types(action), {}, tags, 16 * kMegabyte);
    REQUIRE(stage.ok());
    std::string list;
    for (size_t i = 0; i < count; ++i) list += std::to_string(i) + "x@example.com ";
    std::string message = R"({"list":")" + list + R"("})";
    auto outcome = (*stage)->look("a", "b", message, message);
    return std::pair(outcome.decision, outcome.reason);
  };
  CHECK(look(Action::kRedact, Work::kMaxHidden).first == Decision::kRedacted);
  CHECK(look(Action::kRedact, Work::kMaxHidden + 1) ==
        std::pair(Decision::kDlpBlocked,
                  std::string("the payload contains more values to hide than a message may hold")));
  CHECK(look(Action::kAlert, Work::kMaxAlerts + 1000).first == Decision::kAllowed);  // a list of addresses
}

TEST_CASE("what looks like data at every place costs steps in proportion, and no more than a message may") {
  // Each is the worst that its detector can be given: a beginning at every few bytes, and much to read behind it.
  const std::string kUnits[] = {
      "1 ",
      "12-",
      "4 ",
      "4111 1111 1111 1111 ",
      "+1 ",
      "219-45-9876 ",
      "(415) 555-2671 ",
      "1.1.",
      "1 a ",
      "12 Oak St ",
      "a@b.co ",
      "a@",
      "a.a@a.a.",
      "password ",
      "password: a ",
      "password for the ",
      "token=x1,",
      "mrn,ssn\n1,2\n",
      "(mrn,",
      "PuTTY-User-Key-File-",
      "--BEGIN PRIVATE KEY-",
      "eyJhbGciOjF9.",
      "xoxb-",
      " -u c",
      " -u curl a:b1",
      "^MR",
      "9^MR|",
      "://",
      "a://b:c@",
      "bearer ",
      "basic ",
      "0x",
      "bc1",
      "%B4",
      "AKIA",
      "GB82WEST12345698765432 ",
      "GB82 ",
      "po box 1 ",
      "&#52;",
      "%34",
      "\xef\xbc\x94",
      "QUFBQUFBQUFB ",
  };
  auto rules = all_types(Action::kAlert);
  ScanCase at(rules);
  for (const std::string& unit : kUnits) {
    INFO(unit);
    uint64_t steps[2] = {};
    for (size_t i : {0, 1}) {
      std::string text = repeated(unit, kMegabyte / 8 << i);
      at.scan(text);
      steps[i] = at.scanner->work().steps;
      CHECK(steps[i] <= at.scanner->work().most * 2);
    }
    CHECK(steps[1] <= steps[0] * 2 + steps[0] / 4 + kMegabyte / 4);
  }
}

TEST_CASE("large tables of numbers are not too much") {
  ScanCase at;
  for (std::string row :
       {R"(1 0 )", R"(1.0.)", R"(0 1 1 0 1 0 0 1\n)", R"(1,0,0,1,1,0,0,1\n)", R"(0.1 0.25 3.7 12.125\n)",
        R"(12 345 6 78 9012\n)", R"(255 0 17 64 255 255 )", R"(2026-01-05 10:22:31 200 17 4096\n)"}) {
    INFO(row);
    at.scan(R"({"table":")" + repeated(row, kMegabyte / 2) + R"("})");
    CHECK(at.scanner->report().refused.empty());
    INFO(at.scanner->work().steps * 100 / at.scanner->work().most << " % of what a message may cost");
    CHECK(at.scanner->work().steps * 4 < at.scanner->work().most * 3);
  }
}

TEST_CASE("a key block whose last line is cut short ends with its value") {
  ScanCase at(all_types(Action::kRedact));
  std::string block = "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANz259J8CUJ0k6eS4lC1sqXZj4BorjLfjN2LqTG\\n";
  at.rewritten(R"({"key":")" + block + R"(-----END PRIVATE","-----":1})");
  for (const Finding& finding : at.scanner->report().findings) CHECK(finding.source.end <= 8 + block.size() + 16);
}
