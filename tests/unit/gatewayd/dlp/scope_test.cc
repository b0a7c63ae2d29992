// What holds for some messages alone: overrides by sender and target, and what is let pass.
#include "daemons/gatewayd/dlp/scope.h"

#include "daemons/gatewayd/dlp/config.h"
#include "proto/wire/digest.h"
#include "tests/unit/gatewayd/dlp/scan_case.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

ScanCase with(const std::string& text) {
  ConfigProblems problems;
  auto rules = parse_rules(text, "r.toml", problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem);
  REQUIRE(rules != nullptr);
  return ScanCase(rules);
}

Action action(ScanCase& scan, std::string_view sender, std::string_view target, std::string_view message) {
  scan.scanner->set_scope(sender, target);
  scan.scan(message);
  return scan.scanner->report().action;
}

bool takes(std::string_view pattern, std::vector<PathStep> path) {
  auto parsed = PathPattern::parse(pattern);
  INFO(pattern);
  REQUIRE(parsed.ok());
  return parsed->matches(path);
}

PathStep key(std::string_view name) { return {false, 0, name}; }
PathStep element(uint32_t index) { return {true, index, {}}; }

constexpr std::string_view kSsn = R"({"ssn":"219-09-9998"})", kMail = R"({"mail":"rosa@example.org"})",
                           kAddress = R"({"host":"8.8.8.8"})";

}  // namespace

TEST_CASE("the most specific override holds, whatever their order") {
  auto scan = with(
      "[[dlp.override]]\nsender='hr-payroll'\ntarget='*'\ntypes={ ssn='alert' }\n"
      "[[dlp.override]]\nsender='*'\ntarget='tax'\ntypes={ ssn='encrypt', email='block' }\n"
      "[[dlp.override]]\nsender='hr-*'\ntypes={ ssn='block' }\n"
      "[[dlp.override]]\nsender='hr-*'\ntarget='tax'\ntypes={ ssn='off' }\n");
  CHECK(action(scan, "alice", "bob", kSsn) == Action::kRedact);
  CHECK(action(scan, "alice", "tax", kSsn) == Action::kEncrypt);
  CHECK(action(scan, "hr-1", "bob", kSsn) == Action::kBlock);
  CHECK(action(scan, "hr-1", "tax", kSsn) == Action::kOff);
  CHECK(scan.scanner->report().findings.empty());
  CHECK(action(scan, "hr-payroll", "bob", kSsn) == Action::kAlert);
  CHECK(action(scan, "hr-payroll", "tax", kSsn) == Action::kAlert);  // the sender counts first
  CHECK(action(scan, "hr-payroll", "tax", kMail) == Action::kBlock);
  CHECK(action(scan, "", "", kMail) == Action::kAlert);
}

TEST_CASE("an override may switch a type on for some, and names the types of rules") {
  auto scan = with(
      "[[dlp.override]]\ntarget='outside'\ntypes={ ip_address='block', badge='block' }\n"
      "[[dlp.rule]]\nid='b'\ntype='badge'\npattern='BADGE[0-9]{5}'\n");
  CHECK(action(scan, "a", "inside", kAddress) == Action::kOff);
  CHECK(action(scan, "a", "outside", kAddress) == Action::kBlock);
  CHECK(action(scan, "a", "inside", R"({"x":"BADGE12345"})") == Action::kAlert);
  CHECK(action(scan, "a", "outside", R"({"x":"BADGE12345"})") == Action::kBlock);
}

TEST_CASE("two overrides for the same messages are refused") {
  ConfigProblems problems;
  std::string one = "[[dlp.override]]\nsender='a*'\ntypes={ ssn='off' }\n";
  CHECK(parse_rules(one + one, "r.toml", problems) == nullptr);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "r.toml:4: dlp.override: there is one for this sender and target already; expected them in one");
}

TEST_CASE("values are let pass by themselves, by hash and by pattern") {
  std::string hash = to_hex(sha256("219-09-9998"));
  for (const std::string& entry :
       {std::string("values = ['x', '219-09-9998']"), "hashed = ['" + hash + "']", std::string("pattern = '219-.*'"),
        std::string("type = 'ssn'\npattern = '219-09-[0-9]{4}|other'"), std::string("path = 'ssn'")}) {
    INFO(entry);
    auto scan = with("[[dlp.allow]]\n" + entry + "\n");
    CHECK(scan.types(kSsn).empty());
    CHECK(scan.scanner->report().suppressed == 1);
    CHECK(scan.scanner->report().action == Action::kOff);
  }
  for (const std::string& entry :
       {std::string("values = ['219-09-999']"), std::string("pattern = '219-09'"), std::string("pattern = '09-9998'"),
        std::string("type = 'email'\nvalues = ['219-09-9998']"), std::string("path = 'data.*'"),
        std::string("values = ['219-09-9998']\npath = 'other'"), std::string("agent = 'a'")}) {
    INFO(entry);
    auto scan = with("[[dlp.allow]]\n" + entry + "\n");
    CHECK(scan.types(kSsn) == std::set<std::string>{"ssn"});
    CHECK(scan.scanner->report().suppressed == 0);
  }
}

TEST_CASE("an entry may hold for an agent's messages alone") {
  auto scan = with("[[dlp.allow]]\nagent = 'hr-*'\ntype = 'ssn'\n");
  CHECK(action(scan, "hr-1", "bob", kSsn) == Action::kOff);
  CHECK(action(scan, "bob", "hr-1", kSsn) == Action::kOff);
  CHECK(action(scan, "bob", "alice", kSsn) == Action::kRedact);
  CHECK(action(scan, "hr-1", "bob", kMail) == Action::kAlert);
}

TEST_CASE("paths of an allow-list") {
  CHECK(takes("data.note", {key("data"), key("note")}));
  CHECK_FALSE(takes("data.note", {key("data"), key("note"), element(0)}));
  CHECK(takes("data.*.id", {key("data"), key("x"), key("id")}));
  CHECK(takes("data.*.id", {key("data"), element(7), key("id")}));
  CHECK(takes("data[*][2]", {key("data"), element(7), element(2)}));
  CHECK_FALSE(takes("data[*][2]", {key("data"), element(7), element(3)}));
  CHECK(takes("**.id", {key("id")}));
  CHECK(takes("**.id", {key("id"), key("id"), element(1), key("id")}));
  CHECK_FALSE(takes("**.id", {key("id"), key("x")}));
  CHECK(takes("data.**", {key("data")}));
  CHECK(takes("**.a.**.b", {key("a"), key("c"), key("a"), key("x"), key("b")}));
  CHECK(takes("$", {}));
  CHECK(takes(R"(["a.b]"].c)", {key("a.b]"), key("c")}));
  CHECK(takes(R"(x["q\"uote"])", {key("x"), key("q\"uote")}));
  for (const char* wrong :
       {"", ".", "a.", ".a", "a..b", "[", "[x]", "[-1]", "a b", "***", "a*", "[\"x]", "[99999999999]"}) {
    INFO(wrong);
    CHECK_FALSE(PathPattern::parse(wrong).ok());
  }
}

TEST_CASE("a payload's paths begin where it stands in its message") {
  auto scan = with("[[dlp.allow]]\npath = 'data.ssn'\n");
  REQUIRE(scan.scanner->scan_json(kSsn, Document::Shape::kAnything, "data").ok());
  CHECK(scan.scanner->report().findings.empty());
  REQUIRE(scan.scanner->scan_json(kSsn).ok());
  CHECK(scan.scanner->report().findings.size() == 1);
}

TEST_CASE("agents by id and prefix") {
  CHECK(AgentPattern::parse("*")->matches("anybody"));
  CHECK(AgentPattern::parse("a*")->matches("abc"));
  CHECK_FALSE(AgentPattern::parse("a*")->matches("b"));
  CHECK(AgentPattern::parse("a")->matches("a"));
  CHECK_FALSE(AgentPattern::parse("a")->matches("ab"));
  for (const char* wrong : {"", "*a", "a**", "a*b"}) CHECK_FALSE(AgentPattern::parse(wrong).ok());
}
