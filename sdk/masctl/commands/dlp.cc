// `dlp …`: what data-loss prevention finds in a text or message, and by which rules. Without Redis or a daemon.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proto/wire/limits.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/bench.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/dlp/findings.h"
#include "sdk/masctl/dlp/line_reader.h"
#include "sdk/masctl/dlp/rules_file.h"

namespace mas::ctl {

namespace {

struct ScanOptions {
  std::string file = "-";
  std::string rules;
  bool lines = false;
  std::string sender, target;
};

struct ExplainOptions {
  std::string text = "-";
  std::string rules;
  std::string sender, target;
};

struct RulesOptions {
  std::string rules;
};

/// The descriptor of FILE, closed with it; 0 for "-".
class Input {
 public:
  static Result<Input> open(const std::string& name) {
    if (name == "-") return Input(STDIN_FILENO);
    int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error{Errc::kInvalidArgument, "cannot open " + visible(name) + ": " + std::strerror(errno)};
    return Input(fd);
  }
  ~Input() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  Input(Input&& other) noexcept : fd_(std::exchange(other.fd_, STDIN_FILENO)) {}
  Input& operator=(Input&&) = delete;
  int fd() const { return fd_; }

 private:
  explicit Input(int fd) : fd_(fd) {}
  int fd_;
};

Result<std::string> read_all(int fd) {
  std::string text;
  char chunk[65536];
  ssize_t got;
  while ((got = read(fd, chunk, sizeof chunk)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{Errc::kInvalidArgument, std::string("cannot read: ") + std::strerror(errno)};
    text.append(chunk, static_cast<size_t>(got));
    if (text.size() > limits::kMaxEnvelopeBytes)
      return Error{Errc::kInvalidArgument,
                   "more than " + std::to_string(limits::kMaxEnvelopeBytes) + " bytes; no message is that large"};
  }
  return text;
}

/// What the exit code says: whether the message would pass as it is, masked, or not at all.
ExitCode exit_code_of(dlp::Action action) {
  if (action == dlp::Action::kBlock) return ExitCode::kFailed;
  return action >= dlp::Action::kEncrypt ? ExitCode::kWarnings : ExitCode::kOk;
}

Result<Document> scan_lines(Context& context, Inspection& inspection, int fd) {
  LineReader reader(fd, limits::kMaxEnvelopeBytes);
  LineInspector inspector(inspection);
  bool skipped = false;
  for (uint64_t number = 1; !context.out.closed(); ++number) {
    auto line = reader.next();
    if (!line.ok() && line.error().code != Errc::kTooLarge) return line.error();
    if (line.ok() && !*line) break;
    skipped = skipped || !line.ok();
    context.out.line(line.ok() ? inspector.answer(**line, number)
                               : LineInspector::error_line(number, line.error().message));
  }
  return Document::printed(skipped || inspector.malformed() > 0 ? ExitCode::kFailed : ExitCode::kOk);
}

/// What was scanned. It does not move: the findings are views of the bytes.
struct Scanned {
  std::string bytes;
  std::unique_ptr<Inspection> inspection;
};
using ScannedPtr = std::shared_ptr<Scanned>;

/// Scans a text or JSON.
Result<ScannedPtr> scan(std::string bytes, std::unique_ptr<Inspection> inspection) {
  auto scanned = std::make_shared<Scanned>(Scanned{std::move(bytes), std::move(inspection)});
  if (auto status = scanned->inspection->anything(scanned->bytes); !status.ok()) return status.error();
  return scanned;
}

/// @return the inspection by the rules of a file; nullptr where the file is wrong, and every problem was told.
Result<std::unique_ptr<Inspection>> inspection_of(Context& context, const std::string& rules_file,
                                                  const std::string& sender, const std::string& target) {
  auto rules = rules_of(context, rules_file);
  if (rules == nullptr) return std::unique_ptr<Inspection>();
  auto inspection = Inspection::make(rules);
  if (inspection.ok()) (*inspection)->between(sender, target);
  return inspection;
}

void write_report(JsonWriter& json, const ScannedPtr& scanned) { scanned->inspection->write_json(json); }

void print_end(Output& out, const Inspection& inspection) {
  if (!inspection.report().refused.empty())
    out.line("not scanned to its end: " + std::string(inspection.report().refused));
  out.line("verdict: " + std::string(inspection.action()));
}

void print_report(Output& out, const ScannedPtr& scanned) {
  const auto& report = scanned->inspection->report();
  auto table = scanned->inspection->table();
  if (!table.empty()) out.table(table);
  if (report.suppressed > 0) out.line(std::to_string(report.suppressed) + " allowed by the rules");
  if (report.untold > 0) out.line(std::to_string(report.untold) + " more alerts are not shown");
  print_end(out, *scanned->inspection);
}

void write_explanation(JsonWriter& json, const ScannedPtr& scanned) { scanned->inspection->write_explanation(json); }

void print_explanation(Output& out, const ScannedPtr& scanned) {
  auto table = scanned->inspection->explanation();
  if (!table.empty()) out.table(table);
  print_end(out, *scanned->inspection);
}

Result<Document> run_scan(Context& context, const ScanOptions& options) {
  auto inspection = inspection_of(context, options.rules, options.sender, options.target);
  if (!inspection.ok()) return inspection.error();
  if (*inspection == nullptr) return Document::printed(ExitCode::kUsage);
  auto input = Input::open(options.file);
  if (!input.ok()) return input.error();
  if (options.lines) return scan_lines(context, **inspection, input->fd());
  auto bytes = read_all(input->fd());
  if (!bytes.ok()) return bytes.error();
  auto scanned = scan(std::move(*bytes), std::move(*inspection));
  if (!scanned.ok()) return scanned.error();
  const ExitCode code = exit_code_of((*scanned)->inspection->report().action);
  return Document::of(std::move(*scanned), write_report, print_report).exits_with(code);
}

Result<Document> run_explain(Context& context, const ExplainOptions& options) {
  auto inspection = inspection_of(context, options.rules, options.sender, options.target);
  if (!inspection.ok()) return inspection.error();
  if (*inspection == nullptr) return Document::printed(ExitCode::kUsage);
  (*inspection)->explain(true);
  auto bytes = options.text == "-" ? read_all(STDIN_FILENO) : Result<std::string>(options.text);
  if (!bytes.ok()) return bytes.error();
  auto scanned = scan(std::move(*bytes), std::move(*inspection));
  if (!scanned.ok()) return scanned.error();
  const ExitCode code = exit_code_of((*scanned)->inspection->report().action);
  return Document::of(std::move(*scanned), write_explanation, print_explanation).exits_with(code);
}

// ---- Rules

/// What there is to say about type number `i`: what it is, or which rule it comes from.
std::string title_of(const dlp::Rules& rules, size_t i) {
  if (i < dlp::kBuiltinTypes) return std::string(dlp::kTypes[i].title);
  for (const auto& rule : rules.custom->rules())
    if (rule.type == i) return "rule " + rule.id;
  return "";
}

using SharedRules = std::shared_ptr<const dlp::Rules>;

void write_rules(JsonWriter& json, const SharedRules& rules) {
  json.begin_object().key("types").begin_array();
  for (size_t i = 0; i < rules->types.size(); ++i) {
    const auto& type = rules->types[i];
    json.begin_object().key("type").string(type.name);
    json.key("action").string(dlp::kActionNames[static_cast<size_t>(type.action)]);
    json.key("severity").string(dlp::kSeverityNames[static_cast<size_t>(type.severity)]);
    json.key("mask").string(dlp::kMaskNames[static_cast<size_t>(type.mask)]);
    json.key("custom").boolean(i >= dlp::kBuiltinTypes).key("title").string(title_of(*rules, i)).end_object();
  }
  json.end_array().key("overrides").unsigned_integer(rules->overrides.size()).end_object();
}

void print_rules(Output& out, const SharedRules& rules) {
  Table table({"TYPE", "ACTION", "SEVERITY", "WHAT"});
  for (size_t i = 0; i < rules->types.size(); ++i) {
    const auto& type = rules->types[i];
    table.add({type.name, std::string(dlp::kActionNames[static_cast<size_t>(type.action)]),
               std::string(dlp::kSeverityNames[static_cast<size_t>(type.severity)]), title_of(*rules, i)});
  }
  out.table(table);
}

Result<Document> run_rules(Context& context, const RulesOptions& options) {
  auto rules = rules_of(context, options.rules);
  if (rules == nullptr) return Document::printed(ExitCode::kUsage);
  return Document::of(std::move(rules), write_rules, print_rules);
}

}  // namespace

void add_dlp_commands(Cli& cli) {
  Command& group = cli.group("dlp", "Data-loss prevention on files and texts; needs neither Redis nor a daemon");

  Command* scan = group.add_subcommand("scan", "Scan a text or JSON, and print the findings and the verdict");
  auto& options = cli.leaf<ScanOptions>(*scan, run_scan);
  scan->add_option("FILE", options.file, "The file to scan; - is standard input. Default: -")->type_name("");
  scan->add_flag("--jsonl,--json-lines", options.lines,
                 "Read lines {\"id\":…,\"payload\":…} or {\"id\":…,\"text\":\"…\"}, and answer each at once");
  add_rules_option(*scan, options.rules);
  scan->add_option("--sender", options.sender, "The sender, for overrides and allow-lists by agent. Default: none")
      ->type_name("AGENT");
  scan->add_option("--target", options.target, "The target. Default: none")->type_name("AGENT");
  scan->footer(
      "Prints one line per finding: type, detail, key path or byte, score, action, severity, mask; never a value.\n"
      "A finding marked 'possible' is reported and not acted upon. The last line is the verdict: block, redact,\n"
      "encrypt, alert or none.\n"
      "Exit codes: 0 the message would pass unchanged (none, alert), 5 masked or encrypted, 1 blocked. With\n"
      "--jsonl each answer is {\"id\":…,\"types\":[…],\"action\":\"…\",\"redacted\":…}. In `redacted`, each value\n"
      "that is blocked, redacted or encrypted is masked; all other bytes are unchanged. An invalid line is\n"
      "answered with {\"id\":null,\"error\":\"line N: …\"}, and the exit code at the end is 1.\n"
      "Examples:\n"
      "  masctl dlp scan payload.json\n"
      "  git diff --cached | masctl dlp scan --rules /etc/mas/dlp.toml\n"
      "  masctl dlp scan --jsonl < messages.jsonl > redacted.jsonl");

  Command* explain = group.add_subcommand("explain", "Explain why each candidate is acted upon or not");
  auto& explained = cli.leaf<ExplainOptions>(*explain, run_explain);
  explain->add_option("TEXT", explained.text, "The text or JSON itself; - is standard input. Default: -")
      ->type_name("");
  add_rules_option(*explain, explained.rules);
  explain->add_option("--sender", explained.sender, "The sender. Default: none")->type_name("AGENT");
  explain->add_option("--target", explained.target, "The target. Default: none")->type_name("AGENT");
  explain->footer(
      "Prints one line per candidate, including those below the threshold and those that the rules allow: type,\n"
      "detail, key path or byte, what its form scores, what a key or words that name it add, what a key or word\n"
      "against it subtracts, the score, the outcome, what was missing to act, mask; never a value. A score of\n"
      "0.60 or more is acted upon, and one of 0.40 or more is reported (docs/DLP.md). Placeholders, which no\n"
      "detector takes for a candidate, and types that are off are not listed. The exit codes are those of scan.\n"
      "Other users of the machine can see values on a command line; use - for real ones.\n"
      "Examples:\n"
      "  masctl dlp explain 'order 219459876'\n"
      "  masctl dlp explain --rules /etc/mas/dlp.toml < payload.json");

  Command* rules = group.add_subcommand("rules", "List the types that are detected, with the action for each");
  auto& shown = cli.leaf<RulesOptions>(*rules, run_rules);
  add_rules_option(*rules, shown.rules);
  rules->footer("Checks the rules file, too. Every problem is printed with its line, and the exit code is 2.");

  add_dlp_bench_command(cli, group, bench_runs());
}

}  // namespace mas::ctl
