// `explain SENDER TARGET [TYPE]`: the decision and the rule that makes it. `explain --message FILE`: stage by stage.

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/cli.h"
#include "sdk/masctl/commands/commands.h"
#include "sdk/masctl/commands/explain_message.h"
#include "sdk/masctl/commands/json_parts.h"
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

void print_json(Output& out, const ExplainOptions& options, const FoundProfile& profile, const Explanation& told) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("sender").string(options.sender).key("target").string(options.target).key("type");
  if (options.type.empty()) {
    json.null();
  } else {
    json_text_or_lossy(json, options.type);
  }
  json.key("profile").string(profile_text(profile.profile)).key("profile_from").string(profile.from);
  json.key("decision").string(decision_text(told.decided_by().decision));
  json.key("accepted").boolean(decision_accepted(told.decided_by().decision));
  json.key("decided_by").string(told.decided_by().name).key("rule");
  json_text_or_lossy(json, told.decided_by().rule);
  json.key("checks").begin_array();
  for (const auto& check : told.checks) {
    json.begin_object().key("check").string(check.name).key("decision").string(decision_text(check.decision));
    json.key("rule");
    json_text_or_lossy(json, check.rule);
    json.end_object();
  }
  json.end_array().end_object();
  out.foreign(text);
}

void print_table(Output& out, const FoundProfile& profile, const Explanation& told) {
  const Check& decided = told.decided_by();
  Table table({"CHECK", "RESULT", "RULE"});
  table.add({"decision", std::string(decision_text(decided.decision)), decided.name + ": " + decided.rule});
  for (const auto& check : told.checks)
    table.add({check.name, decision_accepted(check.decision) ? "ok" : std::string(decision_text(check.decision)),
               check.rule});
  table.add({"profile", std::string(profile_text(profile.profile)), profile.from});
  out.table(table);
}

ExitCode run_explain(Context& context, const ExplainOptions& options) {
  const bool pair = !options.sender.empty() || !options.target.empty();
  if (!options.message.file.empty() && pair)
    return context.out.fail(
        {Errc::kInvalidArgument, "--message names sender and target itself; expected no SENDER TARGET"});
  if (!options.message.file.empty()) return explain_message_file(context, options.message, options.profile);
  if (!options.message.config.empty() || !options.message.dlp_rules.empty())
    return context.out.fail({Errc::kInvalidArgument, "--config and --dlp-rules are for --message FILE"});
  if (options.sender.empty() || options.target.empty())
    return context.out.fail({Errc::kInvalidArgument, "expected SENDER and TARGET, or --message FILE"});
  for (const auto& id : {options.sender, options.target})
    if (auto status = check_agent_id(id); !status.ok()) return context.out.fail(status.error());
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return context.out.fail(redis.error());
  FoundProfile profile{parse_profile(options.profile).value_or(Profile::kDevelopment), "as --profile says"};
  if (options.profile.empty()) {
    auto found = find_profile(**redis, context.settings.keys);
    if (!found.ok()) return context.out.fail(found.error());
    profile = *found;
  }
  auto facts = collect_explain_facts(**redis, context.settings.keys, options.sender, options.target);
  if (!facts.ok()) return context.out.fail(facts.error());
  facts->profile = profile.profile;
  Explanation told = explain(*facts);
  if (context.out.json()) {
    print_json(context.out, options, profile, told);
  } else {
    print_table(context.out, profile, told);
  }
  return decision_accepted(told.decided_by().decision) ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void add_explain_command(Cli& cli) {
  Command* command = cli.root().add_subcommand(
      "explain",
      "Tell what a gateway would decide about a message, and by which rule; exits with 1 when it is refused");
  auto& options = cli.leaf<ExplainOptions>(*command, run_explain);
  command->add_option("SENDER", options.sender, "Who sends")->type_name("");
  command->add_option("TARGET", options.target, "To whom")->type_name("");
  command->add_option("TYPE", options.type, "The message's type; no rule looks at it in this version")->type_name("");
  command
      ->add_option("--profile", options.profile,
                   "Decide as this profile does. Default: the one that the gateways run in, else development")
      ->type_name("PROFILE")
      ->one_of({"development", "production"});
  command
      ->add_option(
          "--message", options.message.file,
          "Tell it of this message, stage by stage, without sending it: an envelope as JSON; - is standard input")
      ->type_name("FILE");
  command
      ->add_option("--config", options.message.config,
                   "With --message: modes, limits and bounds of this configuration file of mas-gatewayd. Default: the "
                   "gateway's defaults")
      ->type_name("FILE");
  command
      ->add_option("--dlp-rules", options.message.dlp_rules,
                   "With --message: rules of data-loss prevention. Default: dlp.rules_file of --config, else the "
                   "built-in rules")
      ->type_name("FILE");
  command->footer(
      "With --message: a line per stage in the gateway's order (decode, identity, authorisation, target, deadline, "
      "guard,\n"
      "rate, content, circuit, backlog, lane), also behind the first refusal, which is the verdict. 'shadow' is what a "
      "stage\n"
      "in shadow mode would have refused. What was found in the payload is told by type and path, never by value. "
      "Nothing is\n"
      "sent and nothing changes. Not known here: the message's signature and ticket, what the guard's budgets "
      "counted.\n"
      "Exit codes: 0 it would be accepted, also masked or for an agent that is away; 1 it would be refused.\n"
      "Examples:\n"
      "  masctl explain alice bob\n"
      "  masctl explain --message order.json --config /etc/mas/gatewayd.toml\n"
      "  masctl explain --message - --json < order.json");
}

}  // namespace mas::ctl
