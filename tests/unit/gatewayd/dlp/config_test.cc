// The rules' file: what it makes, and how it is refused.
#include "daemons/gatewayd/dlp/config.h"

#include "tests/unit/gatewayd/dlp/scan_case.h"
#include "tests/unit/temp_dir.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::dlp::test;

namespace {

std::shared_ptr<const Rules> rules_of(const std::string& text) {
  ConfigProblems problems;
  auto rules = parse_rules(text, "r.toml", problems);
  for (const auto& problem : problems) UNSCOPED_INFO(problem);
  REQUIRE(rules != nullptr);
  return rules;
}

std::string problems_of(const std::string& text) {
  ConfigProblems problems;
  CHECK(parse_rules(text, "r.toml", problems) == nullptr);
  std::string all;
  for (const auto& problem : problems) all += problem + "\n";
  return all;
}

const TypeRule& type(const Rules& rules, std::string_view name) {
  for (const TypeRule& one : rules.types)
    if (one.name == name) return one;
  FAIL("no type " << name);
  return rules.types[0];
}

bool says(const std::string& text, const std::string& problem) {
  std::string all = problems_of(text);
  INFO(all);
  return all.find(problem) != std::string::npos;
}

}  // namespace

TEST_CASE("a byte order mark before the rules is passed over") {
  auto plain = rules_of("[dlp]\npacks = ['uk']\n");
  auto marked = rules_of("\xef\xbb\xbf[dlp]\npacks = ['uk']\n");
  REQUIRE(plain);
  REQUIRE(marked);
  CHECK(marked->enabled == plain->enabled);
}

TEST_CASE("an empty file is the defaults") {
  auto rules = rules_of("");
  CHECK(rules->types.size() == kBuiltinTypes);
  CHECK(type(*rules, "ssn").action == Action::kRedact);
  CHECK(rules->custom == nullptr);
  CHECK(rules->allow == nullptr);
  ConfigProblems problems;
  CHECK(load_rules("", problems) != nullptr);
}

TEST_CASE("types get other actions and severities; packs switch the types of a country on") {
  auto rules = rules_of(
      "[dlp]\npacks = ['uk', \"in\"]\n"
      "[dlp.types]\nemail = 'redact'\nphone = { action = 'off', severity = 'high' }\nip_address = 'alert'\n"
      "in_aadhaar = 'block'\n");
  CHECK(type(*rules, "email").action == Action::kRedact);
  CHECK(type(*rules, "phone").severity == Severity::kHigh);
  CHECK(type(*rules, "uk_nhs").action == Action::kRedact);
  CHECK(type(*rules, "in_aadhaar").action == Action::kBlock);
  CHECK(type(*rules, "ca_sin").action == Action::kOff);
  ScanCase scan(rules);
  CHECK(scan.types("write to rosa@example.org or call +44 20 7946 0958").count("email") == 1);
  CHECK(scan.types("call me at (212) 555-0147").empty());
  CHECK(scan.types("nino QQ123456C is wrong, AB123456C is one").count("uk_nino") == 1);
}

TEST_CASE("every problem is listed with its line") {
  std::string all = problems_of(
      "[dlp]\n"                                             // 1
      "packs = ['xx']\n"                                    // 2
      "[dlp.types]\n"                                       // 3
      "emial = 'redact'\n"                                  // 4
      "ssn = 'blok'\n"                                      // 5
      "phone = { acton = 'off' }\n"                         // 6
      "[[dlp.rule]]\n"                                      // 7
      "id = 'a'\ntype = 'No'\npattern = 'x{2'\n"            // 8-10
      "validator = 'lunh'\nmin_entropy = 9\n"               // 11-12
      "[[dlp.rule]]\nid = 'a'\ntype = 'b'\npattern='c*'\n"  // 13-16
      "[[dlp.allow]]\ntype = 'email'\n"                     // 17-18
      "[[dlp.override]]\ntypes = { email = 'off' }\n");     // 19-20
  INFO(all);
  for (const char* problem :
       {"r.toml:2: dlp.packs: unknown pack xx", "r.toml:4: dlp.types: unknown type emial; did you mean email?",
        "r.toml:5: dlp.types.ssn: 'blok' is not one of off, alert, encrypt, redact, block; did you mean block?",
        "r.toml:6: unknown key dlp.types.phone.acton; did you mean action?", "r.toml:9: dlp.rule.type: expected",
        "r.toml:11: dlp.rule.validator: 'lunh' is not one of", "did you mean luhn?",
        "r.toml:12: dlp.rule.min_entropy: expected bits per byte",
        "r.toml:14: dlp.rule.id: a is the rule in line 8, too", "r.toml:16: dlp.rule.pattern: matches the empty text",
        "r.toml:17: dlp.allow: expected values", "r.toml:19: dlp.override: expected sender, target or both"})
    CHECK(all.find(problem) != std::string::npos);
}

TEST_CASE("patterns that cannot be run are refused") {
  auto rule = [](const std::string& pattern) { return "[[dlp.rule]]\nid='a'\ntype='b'\npattern='" + pattern + "'\n"; };
  CHECK(says(rule("a(b"), "r.toml:4: dlp.rule.pattern: is not a pattern that can be compiled: "));
  CHECK(says(rule("(a)\\1"), "r.toml:4: dlp.rule.pattern: is not a pattern"));
  CHECK(says(rule("(?=x)y"), "r.toml:4: dlp.rule.pattern: is not a pattern"));
  CHECK(says(rule("a*"), "matches the empty text"));
  CHECK(says(rule(""), "is empty"));
  CHECK(says(rule("a{9999}"), "too large"));
  CHECK(says(rule("((a{100}){100}){100}"), "too large"));
  CHECK(says(rule("\xc3\xa9"), "printable ASCII"));
  CHECK(says(rule(std::string(2000, 'a')), "more than 1024 bytes"));
}

TEST_CASE("what is no plain TOML is refused before it is parsed") {
  CHECK(says("[dlp]\nx\n", "r.toml:2: expected KEY = VALUE"));
  CHECK(says("[dlp\n", "r.toml:1: expected a heading"));
  CHECK(says("[dlp]\npacks = ['uk'\n", "expected , or ]"));
  CHECK(says("[dlp]\npacks = '''uk'''\n", "r.toml:2: expected a text of one line"));
  CHECK(says("[dlp]\na = 1979-05-27\n", "r.toml:2: expected"));
  CHECK(says("[dlp]\na = \"\\q\"\n", "r.toml:2: expected \\\\"));
  CHECK(says("[dlp]\na = 'x\n", "r.toml:2: expected a closing quote"));
  CHECK(says("[dlp]\n\na = '\xff'\n", "r.toml:3: expected UTF-8"));
  CHECK(says("[dlp]\na = " + std::string(100'000, '['), "nest less deeply"));
  CHECK(says("a" + std::string(100'000, '.') + "b=1", "r.toml:1: expected a bare key"));
  CHECK(says("[dlp.types]\nssn='off'\nssn='off'\n", "r.toml:3: not TOML, or a key"));
  CHECK(says("[dpl]\n", "r.toml:1: expected only [dlp]"));
  CHECK(says("dlp = 1\n", "r.toml:1: expected only [dlp]"));
  CHECK(says("[dlp]\nrule = 'x'\n", "expected tables with the heading [[dlp.rule]]"));
  CHECK(says(std::string(kMaxConfigBytes + 1, '#'), "r.toml: more than"));
}

TEST_CASE("the list of problems is bounded, and holds no value of an allow-list") {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "[[dlp.allow]]\nvalues = ['4111111111111111']\nhashed = ['secret-value']\n";
  ConfigProblems problems;
  CHECK(parse_rules(text, "r.toml", problems) == nullptr);
  CHECK(problems.size() == kMaxConfigProblems);
  for (const auto& problem : problems) {
    CHECK(problem.find("4111") == std::string::npos);
    CHECK(problem.find("secret-value") == std::string::npos);
  }
}

TEST_CASE("a file that is not there is a problem with its name") {
  mas::test::TempDir dir;
  ConfigProblems problems;
  CHECK(load_rules(dir.name + "/none.toml", problems) == nullptr);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("none.toml: cannot be opened: No such file") != std::string::npos);
  problems.clear();
  CHECK(load_rules(dir.file("a.toml", "[dlp.types]\nssn = 'block'\n", 0644), problems) != nullptr);
}
