// Rules of the configuration at work: patterns, keywords, validators, entropy, context, masks.
#include "daemons/gatewayd/dlp/config.h"
#include "daemons/gatewayd/dlp/regex_size.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

using Types = std::set<std::string>;

ScanCase with(const std::string& rule, const std::string& more = "") {
  ConfigProblems problems;
  auto rules = parse_rules("[[dlp.rule]]\nid = 'r1'\ntype = 'employee_id'\naction = 'redact'\n" + rule + "\n" + more,
                           "r.toml", problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem);
  REQUIRE(rules != nullptr);
  return ScanCase(rules);
}

const Types kFound = {"employee_id"}, kNothing;

}  // namespace

TEST_CASE("a rule's pattern is found in values, keys, text and what is encoded") {
  auto scan = with("pattern = 'EMP-[0-9]{6}'");
  CHECK(scan.rewritten(R"({"who":"EMP-123456, perhaps","n":1})") ==
        R"({"who":"[REDACTED EMPLOYEE_ID], perhaps","n":1})");
  CHECK(scan.rewritten(R"({"EMP-123456":{"a":[]}})") == R"({"[REDACTED EMPLOYEE_ID]":{"a":[]}})");
  CHECK(scan.rewritten("see EMP-123456.") == "see [REDACTED EMPLOYEE_ID].");
  CHECK(scan.types(R"({"blob":"d2hvIGlzIEVNUC0xMjM0NTYgPw=="})") == kFound);
  CHECK(scan.types(R"({"who":"EMP-12345"})") == kNothing);
  CHECK(scan.scanner->report().action == Action::kOff);
  scan.scan(R"({"who":"EMP-123456"})");
  REQUIRE(scan.scanner->report().findings.size() == 1);
  CHECK(scan.scanner->report().findings[0].detail == "r1");
}

TEST_CASE("nothing is found across two values, and anchors are the ends of one") {
  auto scan = with("pattern = '[^ ]{8}Z'");
  CHECK(scan.types(R"({"a":"1234","b":"1234Z"})") == kNothing);
  CHECK(scan.types(R"({"a":"1234","b":"12345678Z"})") == kFound);
  auto anchored = with("pattern = '^X[0-9]{4}$'");
  CHECK(anchored.rewritten(R"(["X1234","aX1234","X12345",{"X1234":0}])") ==
        R"(["[REDACTED EMPLOYEE_ID]","aX1234","X12345",{"[REDACTED EMPLOYEE_ID]":0}])");
}

TEST_CASE("the longest match counts, and matches that touch are one") {
  auto open = with("pattern = '[A-F]{10,}'");
  CHECK(open.rewritten("x ABCDEFABCDEFABCDEF y ABCDEFABCDEF z") ==
        "x [REDACTED EMPLOYEE_ID] y [REDACTED EMPLOYEE_ID] z");
  auto fixed = with("pattern = '[A-F]{8}'");
  CHECK(fixed.rewritten("x ABCDEFABCDEF y") == "x [REDACTED EMPLOYEE_ID] y");
}

TEST_CASE("no half character is left behind") {
  auto scan = with("pattern = 'Q.Q'");
  auto two = with("pattern = 'Q..'");
  CHECK(scan.types("Q\xc3\xa9Q") == kNothing);
  CHECK(two.rewritten("[\"Qa\xc3\xa9!\"]") == "[\"[REDACTED EMPLOYEE_ID]!\"]");
}

TEST_CASE("with keywords a rule looks only where one of them stands") {
  auto scan = with("pattern = '\\b[0-9]{6}\\b'\nkeywords = ['Badge', 'staff no']");
  CHECK(scan.types(R"({"badge":123456})") == kFound);
  CHECK(scan.types(R"({"staffBadge":["123456"]})") == kFound);
  CHECK(scan.types(R"({"text":"his staff no is 123456"})") == kFound);
  CHECK(scan.types(R"({"text":"123456 is on her badge"})") == kFound);
  CHECK(scan.types(R"({"text":"123456"})") == kNothing);
  CHECK(scan.types(R"({"badges_unlike":"123456"})") == kNothing);
  CHECK(scan.types("badge" + std::string(41, ' ') + "123456") == kNothing);
  CHECK(scan.types("badge" + std::string(40, ' ') + "123456") == kFound);
  CHECK(scan.types(R"({"badge":"{\"x\":123456}"})") == kFound);  // it stands in the badge's text
  CHECK(scan.types(R"({"badge":{"x":123456}})") == kNothing);    // the nearest key is x
  CHECK(scan.types(R"({"badge":"[123456]"})") == kFound);
}

TEST_CASE("with context a rule acts only where it is given, and mentions what it sees elsewhere") {
  auto scan = with("pattern = '\\b[0-9]{7}\\b'\ncontext = ['locker']");
  CHECK(scan.types(R"({"locker":"1234567"})") == kFound);
  CHECK(scan.types("her locker has 1234567") == kFound);
  CHECK(scan.types("she has 1234567") == kNothing);
  REQUIRE(scan.scanner->report().findings.size() == 1);
  CHECK_FALSE(scan.scanner->report().findings[0].acts);
}

TEST_CASE("validators and entropy decide about what a pattern finds") {
  auto luhn = with("pattern = '\\b79927[0-9]{6}\\b'\nvalidator = 'luhn'");
  CHECK(luhn.types("79927398713") == kFound);
  CHECK(luhn.types("79927398714") == kNothing);
  luhn.scan("79927398713");
  CHECK(luhn.scanner->report().findings[0].validated);
  auto lei = with("pattern = '\\b[0-9A-Z]{18}[0-9]{2}\\b'\nvalidator = 'mod97'");
  CHECK(lei.types("LEI 529900T8BM49AURSDO55") == kFound);
  CHECK(lei.types("LEI 529900T8BM49AURSDO56") == kNothing);
  auto entropy = with("pattern = 'tok_[a-z0-9]{16}'\nmin_entropy = 3.5");
  CHECK(entropy.types("tok_a8f3k2m9q7z1x5c4") == kFound);
  CHECK(entropy.types("tok_aaaaaaaaaaaaaaaa") == kNothing);
}

TEST_CASE("a rule may add to a built-in type, with an action and a mask of its own") {
  auto scan = with("pattern = 'EMP-[0-9]{6}'",
                   "[[dlp.rule]]\nid='t'\ntype='credit_card'\npattern='CARD-[0-9]{4}'\naction='redact'\nmask='card'\n"
                   "[[dlp.rule]]\nid='m'\ntype='mail'\npattern='a@.{4}'\naction='redact'\nmask='email'\n");
  CHECK(scan.rewritten(R"({"a":"CARD-1234","c":"4111 1111 1111 1111"})") ==
        R"({"a":"**** **** **** 1234","c":"**** **** **** 1111"})");
  CHECK(scan.scanner->report().action == Action::kBlock);
  CHECK(scan.rewritten(R"({"a":"a@b.cd"})") == R"({"a":"a***@b.cd"})");
  CHECK(scan.rewritten(R"({"a":"a@b\"\"d"})") == R"({"a":"[REDACTED MAIL]"})");  // a mask that would break JSON
}

TEST_CASE("where a rule and a built-in type see the same, the rule's finding stays and the strictest action holds") {
  auto scan = with("pattern = '[0-9]{4} [0-9]{4}( [0-9]{4})+'");
  CHECK(scan.rewritten(R"({"card":"4111 1111 1111 1111"})") == R"({"card":"[REDACTED EMPLOYEE_ID]"})");
  CHECK(scan.scanner->report().action == Action::kBlock);
  CHECK(scan.rewritten(R"({"x":"0000 1111 2222"})") == R"({"x":"[REDACTED EMPLOYEE_ID]"})");
  CHECK(scan.scanner->report().action == Action::kRedact);
}

TEST_CASE("how large patterns are") {
  CHECK(regex_size("abc") == 3);
  CHECK(regex_size("a{3}[0-9]{2,5}") == 8);
  CHECK(regex_size("(?:ab){10}") >= 20);
  CHECK(regex_size("((a{10}){10}){10}") >= 1000);
  CHECK(regex_size(std::string(100, '(')) == SIZE_MAX);
  CHECK(regex_size("a{1000000000}{1000000000}") > 1'000'000);
  for (const char* odd : {"", "{3}", "a{", "[", "[^]", "\\", ")", "a{3", "a{,5}"}) CHECK(regex_size(odd) < 20);
}
