// `doctor`: facts, judgement, and how they are shown.

#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/doctor/findings.h"

namespace mas::ctl {

namespace {

Paint paint_of(Level level) {
  return level == Level::kOk ? Paint::kGood : level == Level::kWarn ? Paint::kWarn : Paint::kBad;
}

void write_finding(JsonWriter& json, const Finding& finding) {
  json.begin_object().key("check").string(finding.check).key("level").string(level_text(finding.level));
  json_member(json, "found", finding.found);
  json.key("advice").string(finding.advice).end_object();
}

void write_findings(JsonWriter& json, const std::vector<Finding>& findings) {
  json.begin_object().key("worst").string(level_text(worst_of(findings)));
  json_list(json, "findings", findings, write_finding);
  json.end_object();
}

void print_findings(Output& out, const std::vector<Finding>& findings) {
  for (const auto& finding : findings) {
    std::string level(level_text(finding.level));
    level.resize(5, ' ');
    std::string check = finding.check;
    check.resize(std::max<size_t>(check.size() + 1, 18), ' ');
    out.line(out.painted(level, paint_of(finding.level)) + check + visible(finding.found));
    if (!finding.advice.empty()) out.line("     → " + finding.advice);
  }
}

ExitCode code_of(const Facts& facts, Level worst) {
  if (facts.unreachable) return exit_code_of(facts.unreachable->code);
  return worst == Level::kFail ? ExitCode::kFailed : worst == Level::kWarn ? ExitCode::kWarnings : ExitCode::kOk;
}

struct DoctorOptions {};

Result<Document> run_doctor(Context& context, const DoctorOptions&) {
  Facts facts = collect_facts(context.redis, context.settings);
  std::vector<Finding> findings = judge(facts);
  const ExitCode code = code_of(facts, worst_of(findings));
  return Document::of(std::move(findings), write_findings, print_findings).exits_with(code);
}

}  // namespace

void add_doctor_command(Cli& cli) {
  Command* doctor = cli.root().add_subcommand("doctor", "Check Redis and the daemons, and say what to fix");
  cli.leaf<DoctorOptions>(*doctor, run_doctor);
  doctor->footer(
      "Changes nothing. Exit codes: 0 everything is in order, 5 warnings, 1 something is broken, 3 Redis cannot be "
      "reached.");
}

}  // namespace mas::ctl
