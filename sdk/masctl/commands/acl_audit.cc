// `acl-audit`: asks Redis what each user may do (ACL DRYRUN), and compares with what it should. Nothing is run.
#include <algorithm>

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/enrolment.h"
#include "sdk/masctl/commands/rule_arguments.h"
#include "sdk/masctl/redis/partitions_reader.h"
#include "sdk/masctl/users/probes.h"

namespace mas::ctl {

namespace {

struct AuditOptions {
  std::vector<std::string> users;
  bool all = false;
};

struct Finding {
  std::string user, area, problem, command;
};

struct Audited {
  std::string user, state;
  size_t may = 0, may_not = 0;
};

struct Report {
  std::vector<Audited> users;
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, Probe>> matrix;  ///< with --all
};

void write_probe(JsonWriter& json, const std::pair<std::string, Probe>& probe) {
  json.begin_object();
  json_member(json, "user", probe.first);
  json.key("area").string(probe.second.area).key("may").boolean(probe.second.may);
  json_texts(json, "command", probe.second.command);
  json.end_object();
}

void write_report(JsonWriter& json, const Report& report) {
  json.begin_object();
  json_list(json, "users", report.users, [](JsonWriter& each, const Audited& user) {
    each.begin_object();
    json_member(each, "user", user.user);
    each.key("state").string(user.state).key("may").unsigned_integer(user.may);
    each.key("may_not").unsigned_integer(user.may_not).end_object();
  });
  json_list(json, "findings", report.findings, [](JsonWriter& each, const Finding& finding) {
    each.begin_object();
    json_member(each, "user", finding.user);
    json_member(each, "area", finding.area);
    json_member(each, "problem", finding.problem);
    json_member(each, "command", finding.command);
    each.end_object();
  });
  json_list(json, "matrix", report.matrix, write_probe);
  json.end_object();
}

void print_report(Output& out, const Report& report) {
  if (!report.matrix.empty()) {
    Table matrix({"USER", "AREA", "MAY", "COMMAND"});
    for (const auto& [user, probe] : report.matrix)
      matrix.add({user, probe.area, probe.may ? "yes" : "no", joined_words(probe.command)});
    out.table(matrix);
  }
  Table users({"USER", "STATE", "MAY", "MAY NOT"});
  for (const auto& user : report.users)
    users.add({user.user, user.state, std::to_string(user.may), std::to_string(user.may_not)});
  out.table(users, "nobody is enrolled");
  for (const auto& finding : report.findings)
    out.note(visible(finding.user) + ": " + finding.area + ": " + finding.problem +
             (finding.command.empty() ? "" : ": " + visible(finding.command)));
}

/// Asks one server about all probes of a user.
Status ask_probes(Context& context, const redis::Node& node, const std::string& user, const std::vector<Probe>& probes,
                  bool all, Report& report) {
  Audited audited{user, "active"};
  for (const auto& probe : probes) {
    std::vector<std::string> args = {"ACL", "DRYRUN", user};
    args.insert(args.end(), probe.command.begin(), probe.command.end());
    auto answer = context.redis.ask_node(node, redis::Command::of(args));
    if (!answer.ok()) return answer.error().in("ACL DRYRUN " + probe.command[0]);
    const bool may = answer->text == "OK";
    ++(may ? audited.may : audited.may_not);
    if (all) report.matrix.emplace_back(user, probe);
    if (may != probe.may)
      report.findings.push_back(
          {user, probe.area, may ? "it may, and must not" : "it may not, and needs to", joined_words(probe.command)});
  }
  report.users.push_back(std::move(audited));
  return {};
}

Status audit_user(Context& context, const redis::Node& node, const RedisSite& site, const ListedUser& listed, bool all,
                  Report& report) {
  const std::string user = context.keys().prefix() + listed.field;
  auto there = context.redis.ask_node(node, redis::Command("ACL", "GETUSER", user));
  if (!there.ok()) return there.error();
  const bool good = listed.record.ok() && user_is_good(*listed.record, seconds_now());
  if (good && there->is_nil()) report.findings.push_back({user, "the user", "it is missing in Redis", ""});
  if (!good && !there->is_nil()) report.findings.push_back({user, "the user", "it is in Redis, and must not be", ""});
  if (good && !there->is_nil()) return ask_probes(context, node, user, probes_of(*listed.record, site), all, report);
  report.users.push_back({user, !listed.record.ok() ? "unreadable" : good ? "missing" : "out", 0, 0});
  return {};
}

bool is_asked_for(const AuditOptions& options, const ListedUser& listed) {
  if (options.users.empty()) return true;
  auto named = [&](const std::string& name) { return name == listed.field || "agent." + name == listed.field; };
  return std::any_of(options.users.begin(), options.users.end(), named);
}

/// While the number of partitions is being changed, users may use those of several numbers.
Result<Document> run_audit(Context& context, const AuditOptions& options) {
  if (auto number = read_partitions(context.redis, context.keys()); !number.ok()) return number.error();
  auto site = read_site(context.redis, context.settings);
  if (!site.ok()) return site.error();
  auto users = list_users(context.redis, context.keys());
  if (!users.ok()) return users.error();
  auto primaries = context.redis.primaries();
  if (!primaries.ok()) return primaries.error();
  Report report;
  for (const auto& listed : *users) {
    if (!is_asked_for(options, listed)) continue;
    for (const auto& node : *primaries)
      if (auto status = audit_user(context, node, *site, listed, options.all, report); !status.ok())
        return status.error();
  }
  if (report.users.empty() && !options.users.empty()) return Error{Errc::kNotFound, "no such user is enrolled"};
  const bool clean = report.findings.empty();
  return Document::of(std::move(report), write_report, print_report)
      .exits_with(clean ? ExitCode::kOk : ExitCode::kFailed);
}

}  // namespace

void add_acl_audit_command(Cli& cli) {
  Command* audit = cli.root().add_subcommand(
      "acl-audit", "Ask Redis what each enrolled user may do, and compare with what it should");
  auto& options = cli.leaf<AuditOptions>(*audit, run_audit);
  audit->add_option("USER", options.users, "An agent's id, or a user such as gatewayd.gw1. Default: all users")
      ->type_name("");
  audit->add_flag("--all", options.all, "Print the whole matrix");
  audit->footer(
      "Nothing is run: Redis only says what it would do (ACL DRYRUN). The exit code is 1 where a user may do what it\n"
      "must not, may not do what it needs, is missing, or is there and must not be.\n"
      "Examples:\n"
      "  masctl acl-audit\n"
      "  masctl acl-audit planner --all");
}

}  // namespace mas::ctl
