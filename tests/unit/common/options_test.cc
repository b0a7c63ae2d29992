// Option values, the TOML file, the environment, nearest names, secrets: daemons/common/options and
// option_sources.
#include "daemons/common/options.h"

#include "daemons/common/option_docs.h"
#include "daemons/common/option_sources.h"
#include "proto/base/nearest.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::common;
using namespace std::chrono_literals;

namespace {

enum class Mode : uint8_t { kOff, kShadow, kEnforce };
constexpr std::string_view kModeNames[] = {"off", "shadow", "enforce"};
constexpr std::string_view kRuleKeys[] = {"from", "to"};

struct Sample {
  std::string url = "redis://localhost:6379";
  std::string ns;
  bool eager = false;
  int64_t batch = 500;
  uint64_t memory = 16u << 20;
  Duration period = 30s;
  Mode mode = Mode::kEnforce;
  std::string key;
  OptionRows rules;
  OptionTable table;

  Sample() {
    table.section("redis", "Where Redis is.");
    table.url("url", url, Apply::kRestart, "The URL.");
    table.text("namespace", ns, Apply::kRestart, "The namespace.");
    table.section("scan", "How the registry is walked.");
    table.flag("eager", eager, Apply::kReload, "Start at once.");
    table.integer("batch", batch, {1, 10'000}, Apply::kReload, "Keys per step.");
    table.size("memory", memory, {1024, 1u << 30}, Apply::kReload, "Bound.");
    table.duration("period", period, {1s, 1h}, Apply::kReload, "Time between two walks.");
    table.choice("mode", mode, kModeNames, Apply::kReload, "What is done.");
    table.secret("key", key, Apply::kReload, "A secret.");
    table.tables("rule", rules, kRuleKeys, Apply::kReload, "Rules.");
    table.renamed("pause", "period");
  }

  std::vector<std::string> ignored;

  Problems toml(std::string_view document) {
    Problems problems;
    apply_toml(table, document, "x.toml", problems);
    return problems;
  }
  Problems env(const Environment& environment) {
    Problems problems;
    apply_environment(table, "registryd", environment, problems, ignored);
    return problems;
  }
};

bool has(const Problems& problems, std::string_view text) {
  for (const auto& problem : problems)
    if (problem.find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("durations and sizes: what is read, and that it reads back") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("0") == 0s);
  for (const char* bad :
       {"", "30", "s", "-1s", "1.5s", "30 s", "1s1m", "1s1s", "1d", "99999999999999999999s", "9223372037s", "3s3"})
    CHECK_FALSE(parse_duration(bad).has_value());
  for (Duration d : {Duration(1ms), Duration(90s), Duration(1500ms), Duration(25h), Duration(0s), Duration(7us)})
    CHECK(parse_duration(duration_text(d)) == d);

  CHECK(parse_size("16MiB") == 16u << 20);
  CHECK(parse_size("512") == 512u);
  CHECK(parse_size("3B") == 3u);
  for (const char* bad : {"", "MiB", "1MB", "1 MiB", "-1", "1.5MiB", "99999999999GiB", "18446744073709551616"})
    CHECK_FALSE(parse_size(bad).has_value());
  for (uint64_t n : {uint64_t{0}, uint64_t{1}, uint64_t{1536}, uint64_t{5} << 30, UINT64_MAX})
    CHECK(parse_size(size_text(n)) == n);
}

TEST_CASE("a TOML file sets values and remembers where they came from") {
  Sample s;
  CHECK(s.toml("[redis]\nurl = 'unix:///tmp/r.sock'\n[scan]\neager = true\nbatch = 7\nmemory = \"2MiB\"\n"
               "period = \"5s\"\nmode = \"shadow\"\nkey = 'k'\n")
            .empty());
  CHECK(s.url == "unix:///tmp/r.sock");
  CHECK(s.eager);
  CHECK(s.batch == 7);
  CHECK(s.memory == 2u << 20);
  CHECK(s.period == 5s);
  CHECK(s.mode == Mode::kShadow);
  CHECK(s.key == "k");
  CHECK(s.table.find("scan", "batch")->source == "x.toml:5");
  CHECK(s.table.find("redis", "namespace")->source == "default");
}

TEST_CASE("a list of tables is read from a file, printed as it is read, and set by its text") {
  Sample s;
  CHECK(s.toml("[[scan.rule]]\nto = 'b\"'\nfrom = \"a\"\n[[scan.rule]]\nto = \"*\"\n").empty());
  CHECK(s.rules == OptionRows{{{"from", "a"}, {"to", "b\""}}, {{"to", "*"}}});
  const Option& option = *s.table.find("scan", "rule");
  const std::string text = R"([{from = "a", to = "b\""}, {to = "*"}])";
  CHECK(option.text() == text);
  CHECK(option.default_text == "[]");
  CHECK(effective_toml(s.table, "registryd").find("rule = " + text + "  # x.toml:") != std::string::npos);
  Sample other;
  CHECK(other.env({{"MAS_REGISTRYD_SCAN_RULE", text}}).empty());
  CHECK(other.rules == s.rules);
  CHECK(other.toml("[scan]\nrule = []\n").empty());
  CHECK(other.rules.empty());
}

TEST_CASE("a list of tables that says something else is refused, and which table") {
  Sample s;
  CHECK(has(s.toml("[[scan.rule]]\nfrom = \"a\"\n[[scan.rule]]\nwho = \"b\"\n"),
            "table 2: unknown key who; expected from, to"));
  CHECK(has(s.toml("[[scan.rule]]\nfrom = 7\n"), "scan.rule is a list, expected a list of tables with the keys"));
  CHECK(has(s.toml("[[scan.rule]]\nfrom = ''\n"), "table 1: from is not a text of 1 to 512 bytes"));
  CHECK(has(s.toml("[scan]\nrule = 'x'\n"), "scan.rule is a text, expected a list of tables"));
  for (const char* bad :
       {"", "x", "[1]", "{}", "[{from = \"a\"}]\nx = 1", "[{from = [\"a\"]}]", "[{from.from = \"a\"}]"})
    CHECK_FALSE(s.env({{"MAS_REGISTRYD_SCAN_RULE", bad}}).empty());
  CHECK(s.rules.empty());
}

TEST_CASE("a former name of an option is an error that names the new one") {
  Sample s;
  CHECK(s.toml("[scan]\npause = \"5s\"\n") == Problems{"x.toml:2:1: scan.pause is now scan.period"});
  CHECK(s.toml("[redis]\npause = \"5s\"\n") == Problems{"x.toml:2:1: unknown key redis.pause"});
  CHECK(s.env({{"MAS_REGISTRYD_SCAN_PAUSE", "5s"}}) ==
        Problems{"environment variable MAS_REGISTRYD_SCAN_PAUSE is now MAS_REGISTRYD_SCAN_PERIOD"});
  CHECK(s.period == 30s);
}

TEST_CASE("wrong TOML: each problem with line and column, what was expected, the nearest name") {
  Sample s;
  auto problems =
      s.toml("[scan]\nbatch = 0\nperiod = 30\nmode = \"strict\"\neager = \"true\"\nperod = \"1s\"\n[scna]\n");
  CHECK(problems.size() == 6);
  CHECK(has(problems, "x.toml:2:9: scan.batch: '0' is not a whole number from 1 to 10000"));
  CHECK(has(problems, "x.toml:3:10: scan.period is a whole number, expected a duration from 1s to 1h"));
  CHECK(has(problems, "x.toml:4:8: scan.mode: 'strict' is not one of off, shadow, enforce"));
  CHECK(has(problems, "x.toml:5:9: scan.eager is a text, expected a boolean"));
  CHECK(has(problems, "x.toml:6:1: unknown key scan.perod; did you mean scan.period?"));
  CHECK(has(problems, "x.toml:7:2: unknown section [scna]; did you mean scan?"));
  CHECK(s.batch == 500);
  CHECK(s.period == 30s);
}

TEST_CASE("a byte order mark before TOML is passed over") {
  Sample sample;
  CHECK(sample.toml("\xef\xbb\xbf[scan]\nbatch = 7\n").empty());
  CHECK(sample.batch == 7);
}

TEST_CASE("TOML that is none, or of another shape") {
  for (const char* bad : {"[scan", "scan = 3", "batch = 3", "[scan]\nbatch = 1\nbatch = 2", "[scan]\nbatch = [1]",
                          "[scan]\nbatch = 1.0", "[scan]\nbatch = 99999999999999999999", "[scan.batch]\nx = 1",
                          "[[scan]]\nbatch = 1", "[scan]\nperiod = 1979-05-27", "\xff\xfe"}) {
    Sample s;
    auto problems = s.toml(bad);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with("x.toml:"));
    CHECK(problems[0].find('\n') == std::string::npos);
    CHECK(s.batch <= 1 + 499);
  }
  Sample s;
  CHECK(has(s.toml(std::string(kMaxConfigBytes + 1, '#')), "more than 1 MiB"));
  std::string many = "[scan]\n";
  for (int i = 0; i < 1000; ++i) many += "zz" + std::to_string(i) + " = 1\n";
  CHECK(s.toml(many).size() == kMaxProblems);
}

TEST_CASE("nesting that would exhaust the stack is refused; dots in strings and comments are not nesting") {
  std::string dotted = "a";
  for (int i = 0; i < 400'000; ++i) dotted += ".a";
  for (const std::string& deep : {dotted + " = 1", "\n[" + dotted + "]", "x = {" + dotted + " = 1}"}) {
    Sample s;
    CHECK(has(s.toml(deep), ":1: a key has too many parts"));
  }
  Sample s;
  CHECK(has(s.toml("x = " + std::string(400'000, '[')), "depth"));
  std::string dots(100, '.');
  CHECK(s.toml("[redis]\nurl = \"\\\"" + dots + "\" # " + dots + "\nnamespace = '" + dots + "'\n").empty());
  CHECK(s.ns == dots);
}

TEST_CASE("the environment goes over the file; unknown variables are refused") {
  Sample s;
  CHECK(s.toml("[scan]\nbatch = 7\n").empty());
  CHECK(s.env({{"MAS_REGISTRYD_SCAN_BATCH", "8"}, {"MAS_GATEWAYD_X", "1"}, {"MAS_OTHER", "1"}}).empty());
  CHECK(s.batch == 8);
  CHECK(s.table.find("scan", "batch")->source == "MAS_REGISTRYD_SCAN_BATCH");

  auto problems = s.env({{"MAS_REGISTRYD_SCAN_BATCHES", "8"}, {"MAS_REGISTRYD_SCAN_PERIOD", "soon"}});
  CHECK(problems.size() == 2);
  CHECK(has(problems, "MAS_REGISTRYD_SCAN_BATCHES is unknown; did you mean MAS_REGISTRYD_SCAN_BATCH?"));
  CHECK(has(problems, "MAS_REGISTRYD_SCAN_PERIOD: 'soon' is not a duration from 1s to 1h"));
}

TEST_CASE("service links of Kubernetes are ignored by name; what only looks a little like one is not") {
  Sample sample;
  const Environment links = {
      {"MAS_REGISTRYD_SERVICE_HOST", "10.0.0.1"},         {"MAS_REGISTRYD_SERVICE_PORT", "80"},
      {"MAS_REGISTRYD_SERVICE_PORT_HTTP", "80"},          {"MAS_REGISTRYD_PORT", "tcp://10.0.0.1:80"},
      {"MAS_REGISTRYD_PORT_80_TCP", "tcp://10.0.0.1:80"}, {"MAS_REGISTRYD_PORT_80_TCP_PROTO", "tcp"},
      {"MAS_REGISTRYD_PORT_53_UDP_PORT", "53"},           {"MAS_REGISTRYD_PORT_80_TCP_ADDR", "10.0.0.1"},
      {"MAS_REGISTRYD_METRICS_SERVICE_HOST", "10.0.0.2"}, {"MAS_REGISTRYD_METRICS_PORT_9100_TCP_ADDR", "10.0.0.2"}};
  CHECK(sample.env(links).empty());
  std::vector<std::string> names;
  for (const auto& [name, value] : links) names.push_back(name);
  CHECK(sample.ignored == names);
  for (const auto& [name, value] : Environment{{"MAS_REGISTRYD_PORT", "80"},
                                               {"MAS_REGISTRYD_SCAN_PORT", "tcp"},
                                               {"MAS_REGISTRYD_PORT_X_TCP_ADDR", "10.0.0.1"},
                                               {"MAS_REGISTRYD_80_TCP_ADDR", "10.0.0.1"},
                                               {"MAS_REGISTRYD_PORT_80_TCP_NAME", "x"}}) {
    INFO(name);
    CHECK(has(sample.env({{name, value}}), "environment variable " + name + " is unknown"));
    CHECK(sample.ignored.empty());
  }
}

TEST_CASE("MAS_REDIS_URL and MAS_NAMESPACE go over the daemon's own variables") {
  Sample s;
  CHECK(s.env({{"MAS_REDIS_URL", "redis://a"}, {"MAS_REGISTRYD_REDIS_URL", "redis://b"}, {"MAS_NAMESPACE", "n"}})
            .empty());
  CHECK(s.url == "redis://a");
  CHECK(s.table.find("redis", "url")->source == "MAS_REDIS_URL");
  CHECK(s.ns == "n");
}

TEST_CASE("text has no control characters and a bound; secrets are not repeated in problems") {
  Sample s;
  CHECK(has(s.toml("[redis]\nnamespace = \"a\\nb\"\n"), "without control characters"));
  CHECK(has(s.toml("[redis]\nnamespace = '" + std::string(5000, 'a') + "'\n"), "at most 4096 bytes"));
  auto problems = s.toml("[scan]\nkey = \"hunter2\\u0001\"\n[redis]\nurl = \"redis://:hunter2\\u0001@h\"\n");
  CHECK(problems.size() == 2);
  CHECK_FALSE(has(problems, "hunter2"));
}

TEST_CASE("passwords in URLs are hidden wherever the URL is malformed, too") {
  CHECK(hide_password("redis://u:p@h:1/0") == "redis://u:***@h:1/0");
  CHECK(hide_password("redis://:p@h") == "redis://:***@h");
  CHECK(hide_password("redis://h:6379/0") == "redis://h:6379/0");
  CHECK(hide_password("unix://:p@/tmp/s") == "unix://:***@/tmp/s");
  CHECK(hide_password("redis+sentinel://u:p@h,i/m?sentinel_user=s&sentinel_password=q") ==
        "redis+sentinel://u:***@h,i/m?sentinel_user=s&sentinel_password=***");
  CHECK(hide_password("redis+sentinel://h:1/m?sentinel_password_file=/f") ==
        "redis+sentinel://h:1/m?sentinel_password_file=/f");
  for (const char* url :
       {"redis+sentinel://h:1/m?sentinel_password=se@cret", "redis+sentinel://h/m?sentinel_password=se&cret"})
    CHECK(hide_password(url).find("cret") == std::string::npos);
  for (const char* url : {"redis://:se/cret@h", "redis://:se@cret@h", "redis://:se?cret@h", "u:secret@h"})
    CHECK(hide_password(url).find("cret") == std::string::npos);
}

TEST_CASE("the effective configuration shows sources and hides secrets, and reads back") {
  Sample s;
  CHECK(s.toml("[redis]\nurl = 'redis://u:hunter2@h'\n[scan]\nkey = 'hunter2'\nbatch = 3\n").empty());
  auto text = effective_toml(s.table, "registryd");
  CHECK(text.find("hunter2") == std::string::npos);
  CHECK(text.find("url = \"redis://u:***@h\"  # x.toml:2\n") != std::string::npos);
  CHECK(text.find("key = \"***\"") != std::string::npos);
  CHECK(text.find("batch = 3  # x.toml:5\n") != std::string::npos);
  CHECK(text.find("period = \"30s\"  # default\n") != std::string::npos);
  Sample again;
  CHECK(again.toml(text).empty());
  CHECK(again.batch == 3);
}

TEST_CASE("the default file changes nothing, and says the same when every option is uncommented") {
  Sample s;
  auto text = default_toml(s.table, "registryd");
  CHECK(s.toml(text).empty());
  for (const auto& option : s.table.options()) CHECK(option.source == "default");
  std::string live;
  for (size_t i = 0; i < text.size(); ++i)
    if (!(text[i] == '#' && (i == 0 || text[i - 1] == '\n') && i + 1 < text.size() && text[i + 1] != ' '))
      live.push_back(text[i]);
  CHECK(s.toml(live).empty());
  for (const auto& option : s.table.options()) {
    CHECK(option.source != "default");
    CHECK(option.text() == option.default_text);
  }
}

TEST_CASE("nearest names") {
  std::vector<std::string> names = {"scan.period", "scan.batch", "redis.url"};
  CHECK(nearest("scan.perid", names) == "scan.period");
  CHECK(nearest("redis.urls", names) == "redis.url");
  CHECK(nearest("entirely.other.thing", names).empty());
  CHECK(nearest(std::string(100'000, 'x'), names).empty());
}
