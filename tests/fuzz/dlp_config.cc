// DLP's configuration: problems are bounded lines with a place, and rules that were taken can be scanned with.
#include "daemons/gatewayd/dlp/config.h"

#include "daemons/gatewayd/dlp/rewrite.h"
#include "proto/base/ids.h"
#include "proto/wire/json.h"
#include "tests/fuzz/fuzz.h"

using namespace mas;
using namespace mas::dlp;
using namespace mas::fuzz;

namespace {

constexpr std::string_view kMessage =
    R"({"data":{"ssn":"219-09-9998","note":"EMP-123456 badge 4111 1111 1111 1111 \"é\"","ids":[1,22,333,"a@b.example"]}})";

void check_problems(const ConfigProblems& problems) {
  require(!problems.empty() && problems.size() <= kMaxConfigProblems, "the list of problems is bounded, and not empty");
  for (const auto& problem : problems) {
    require(!has_control_character(problem), "a problem is one line");
    require(problem.starts_with("r.toml:") || problem.starts_with("…"), "a problem has a place");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ConfigProblems problems;
  auto rules = parse_rules(text_of(data, size), "r.toml", problems);
  require((rules == nullptr) == !problems.empty(), "there are rules or problems");
  if (rules == nullptr) {
    check_problems(problems);
    return 0;
  }
  auto scanner = Scanner::make(rules);
  require(scanner.ok(), "rules that were taken make a scanner");
  (*scanner)->set_scope("hr-payroll", "bank");
  require((*scanner)->scan_json(kMessage).ok(), "it scans");
  std::string out;
  append_rewritten(**scanner, kMessage, nullptr, out);
  require(JsonReader::local().check_value(out).ok(), "what comes out is JSON");
  return 0;
}
