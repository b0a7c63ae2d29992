// `explain SENDER TARGET [TYPE]`: the decision and the rule that makes it. `explain --message FILE`: stage by stage.

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/explain_message.h"
#include "sdk/masctl/explain/collect.h"

namespace mas::ctl {

namespace {

struct ExplainOptions {
  std::string sender;
  std::string target;
  std::string type;
  std::string profile;
  ExplainMessageOptions message;
};

/// The checks of one pair of agents.
struct Told {
  ExplainOptions options;
  FoundProfile profile;
  Explanation explanation;
};

void write_told(JsonWriter& json, const Told& told) {
  const Check& decided = told.explanation.decided_by();
  json.begin_object().key("sender").string(told.options.sender).key("target").string(told.options.target).key("type");
  json_text_or_null(json, told.options.type);
  json.key("profile").string(profile_text(told.profile.profile)).key("profile_from").string(told.profile.from);
  json.key("decision").string(decision_text(decided.decision));
  json.key("accepted").boolean(decision_accepted(decided.decision));
  json.key("decided_by").string(decided.name).key("rule");
  json_text_or_lossy(json, decided.rule);
  json_list(json, "checks", told.explanation.checks, [](JsonWriter& each, const Check& check) {
    each.begin_object().key("check").string(check.name).key("decision").string(decision_text(check.decision));
    json_member(each, "rule", check.rule);
    each.end_object();
  });
  json.end_object();
}

void print_told(Output& out, const Told& told) {
  const Check& decided = told.explanation.decided_by();
  Table table({"CHECK", "RESULT", "RULE"});
  table.add({"decision", std::string(decision_text(decided.decision)), decided.name + ": " + decided.rule});
  for (const auto& check : told.explanation.checks)
    table.add({check.name, decision_accepted(check.decision) ? "ok" : std::string(decision_text(check.decision)),
               check.rule});
  table.add({"profile", std::string(profile_text(told.profile.profile)), told.profile.from});
  out.table(table);
}

Result<Document> run_explain(Context& context, const ExplainOptions& options) {
  const bool pair = !options.sender.empty() || !options.target.empty();
  if (!options.message.file.empty() && pair)
    return Error{Errc::kInvalidArgument, "expected either SENDER and TARGET or --message FILE, which names both"};
  if (!options.message.file.empty()) return explain_message_file(context, options.message, options.profile);
  if (!options.message.config.empty() || !options.message.dlp_rules.empty())
    return Error{Errc::kInvalidArgument, "--config and --dlp-rules need --message FILE"};
  if (options.sender.empty() || options.target.empty())
    return Error{Errc::kInvalidArgument, "expected SENDER and TARGET, or --message FILE"};
  for (const auto& id : {options.sender, options.target})
    if (auto status = check_agent_id(id); !status.ok()) return status.error();
  FoundProfile profile{parse_profile(options.profile).value_or(Profile::kDevelopment), "set by --profile"};
  if (options.profile.empty()) {
    auto found = find_profile(context.redis, context.keys());
    if (!found.ok()) return found.error();
    profile = *found;
  }
  auto facts = collect_explain_facts(context.redis, context.keys(), options.sender, options.target);
  if (!facts.ok()) return facts.error();
  facts->profile = profile.profile;
  Told told{options, profile, explain(*facts)};
  const bool accepted = decision_accepted(told.explanation.decided_by().decision);
  return Document::of(std::move(told), write_told, print_told).exits_with(accepted ? ExitCode::kOk : ExitCode::kFailed);
}

}  // namespace

void add_explain_command(Cli& cli) {
  Command* command = cli.root().add_subcommand(
      "explain",
      "Print what a gateway would decide about a message, and by which rule; exits with 1 if it would be refused");
  auto& options = cli.leaf<ExplainOptions>(*command, run_explain);
  command->add_option("SENDER", options.sender, "The sender")->type_name("");
  command->add_option("TARGET", options.target, "The target")->type_name("");
  command->add_option("TYPE", options.type, "The message's type; no rule uses it in this version")->type_name("");
  command
      ->add_option("--profile", options.profile,
                   "The profile to decide by. Default: that of the running gateways, else development")
      ->type_name("PROFILE")
      ->one_of({"development", "production"});
  command
      ->add_option("--message", options.message.file,
                   "Explain this message stage by stage, without sending it: a file with an envelope as JSON; - is "
                   "standard input")
      ->type_name("FILE");
  command
      ->add_option("--config", options.message.config,
                   "With --message: a configuration file of mas-gatewayd, for modes, limits and bounds. Default: the "
                   "gateway's defaults")
      ->type_name("FILE");
  command
      ->add_option("--dlp-rules", options.message.dlp_rules,
                   "With --message: a rules file for data-loss prevention. Default: dlp.rules_file of --config, else "
                   "the built-in rules")
      ->type_name("FILE");
  command->footer(
      "With --message, prints one line per stage in the gateway's order: decode, identity, authorisation, target,\n"
      "deadline, guard, rate, content, circuit, backlog, lane. The first refusal is the verdict; later stages are\n"
      "still printed. 'shadow' marks what a stage in shadow mode would have refused. Findings in the payload are\n"
      "shown by type and path, never by value. Nothing is sent or changed. Not known here: the message's\n"
      "signature and ticket, and the counts of the guard. An error reply (type mas.error with meta.error) is\n"
      "called one, with its code, and judged like any reply of its sender; so are those that a gateway writes.\n"
      "Exit codes: 0 the message would be accepted, including masked ones and those for an agent that is away; 1\n"
      "it would be refused.\n"
      "Examples:\n"
      "  masctl explain alice bob\n"
      "  masctl explain --message order.json --config /etc/mas/gatewayd.toml\n"
      "  masctl explain --message - --json < order.json");
}

}  // namespace mas::ctl
