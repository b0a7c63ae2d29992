// TOML option files: every problem has a place and one line, values stay inside their ranges, the effective
// configuration reads back as the same configuration.
#include "daemons/common/options.h"

#include "daemons/common/option_docs.h"
#include "daemons/common/option_sources.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::fuzz;
using namespace mas::common;
using namespace std::chrono_literals;

namespace {

enum class Mode : uint8_t { kOff, kShadow, kEnforce };
constexpr std::string_view kModeNames[] = {"off", "shadow", "enforce"};
constexpr std::string_view kRuleKeys[] = {"from", "to"};

/// One option of every type.
struct Sample {
  std::string url = "redis://localhost:6379", text, secret;
  bool flag = false;
  int64_t count = 500;
  uint64_t memory = 16u << 20;
  Duration period = 30s;
  Mode mode = Mode::kOff;
  OptionRows rules;
  OptionTable table;

  Sample() {
    table.section("redis", "Redis.");
    table.url("url", url, Apply::kRestart, "A URL.");
    table.text("text", text, Apply::kRestart, "A text.");
    table.secret("secret", secret, Apply::kReload, "A secret.");
    table.section("scan", "Scan.");
    table.flag("flag", flag, Apply::kReload, "A flag.");
    table.integer("count", count, {-5, 10'000}, Apply::kReload, "A number.");
    table.size("memory", memory, {1024, 1u << 30}, Apply::kReload, "A size.");
    table.duration("period", period, {1ms, 1h}, Apply::kReload, "A duration.");
    table.choice("mode", mode, kModeNames, Apply::kReload, "A choice.");
    table.tables("rule", rules, kRuleKeys, Apply::kReload, "Tables.");
  }
};

void check_problems(const Problems& problems) {
  require(problems.size() <= kMaxProblems, "the list of problems is bounded");
  for (const auto& problem : problems) {
    require(problem.find('\n') == std::string::npos, "a problem is one line");
    require(problem.starts_with("x.toml:") || problem.starts_with("…"), "a problem has a place");
  }
}

void check_reads_back(const Sample& sample) {
  Sample again;
  Problems problems;
  apply_toml(again.table, effective_toml(sample.table, "test"), "x.toml", problems);
  require(problems.empty(), "the effective configuration is a configuration");
  for (size_t i = 0; i < sample.table.options().size(); ++i) {
    const Option& option = sample.table.options()[i];
    require(again.table.options()[i].text() == option.shown(), "a value reads back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Sample sample;
  Problems problems;
  apply_toml(sample.table, text_of(data, size), "x.toml", problems);
  check_problems(problems);
  require(sample.count >= -5 && sample.count <= 10'000, "numbers stay in range");
  require(sample.memory >= 1024 && sample.memory <= 1u << 30, "sizes stay in range");
  require(sample.period >= 1ms && sample.period <= 1h, "durations stay in range");
  require(sample.text.size() <= kMaxOptionTextBytes, "texts are bounded");
  check_reads_back(sample);

  for (auto& option : sample.table.options()) {
    Status ignored = option.set(text_of(data, size));
    require(ignored.ok() || ignored.error().message.size() < 400, "an error is short");
  }
  return 0;
}
