// Reads message and policy, asks Redis, prints the stages.
#include "sdk/masctl/commands/explain_message.h"

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/commands/dlp_rules.h"
#include "sdk/masctl/commands/json_parts.h"
#include "sdk/masctl/explain/collect.h"
#include "sdk/masctl/explain/message.h"

namespace mas::ctl {

namespace {

/// What is judged by, and who says so.
struct Judge {
  GatewayConfig config;
  std::string from;
  std::shared_ptr<const dlp::Rules> rules;
};

Result<Profile> profile_of(SyncRedis& redis, const Keys& keys, const std::string& wanted, std::string& ret_from) {
  ret_from = "the gateway's defaults; profile as --profile says";
  if (auto profile = parse_profile(wanted)) return *profile;
  auto found = find_profile(redis, keys);
  if (!found.ok()) return found.error();
  ret_from = "the gateway's defaults; profile " + found->from;
  return found->profile;
}

std::string_view result_of(const Stage& stage) {
  if (!stage.judged) return stage.mode == gateway::Mode::kOff ? "off" : "-";
  return stage.decision == Decision::kAllowed ? "ok" : decision_text(stage.decision);
}

std::string shown_result(const Stage& stage) {
  const bool shadow = stage.judged && stage.mode == gateway::Mode::kShadow && stage.decision != Decision::kAllowed;
  return (shadow ? "shadow " : "") + std::string(result_of(stage));
}

void print_stage_json(JsonWriter& json, const Stage& stage, bool verdict) {
  json.begin_object().key("stage").string(stage.name).key("decision");
  if (stage.judged)
    json.string(decision_text(stage.decision));
  else
    json.null();
  json.key("mode").string(gateway::kModeNames[static_cast<size_t>(stage.mode)]);
  json.key("verdict").boolean(verdict).key("rule");
  json_text_or_lossy(json, stage.rule);
  if (!stage.findings.empty()) {
    json.key("findings").begin_array();
    for (const auto& finding : stage.findings) {
      json.begin_object().key("type").string(finding.type).key("path");
      json_text_or_lossy(json, finding.path);
      json.key("action").string(finding.action).key("acts").boolean(finding.acts).end_object();
    }
    json.end_array();
  }
  json.end_object();
}

void print_json(Output& out, const MessageVerdict& told, const Envelope* envelope, const std::string& from) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (auto [name, value] : {std::pair("sender", envelope ? envelope->sender_id : ""),
                             std::pair("target", envelope ? envelope->target_id : ""),
                             std::pair("type", envelope ? envelope->message_type : ""),
                             std::pair("message_id", envelope ? envelope->message_id : "")}) {
    json.key(name);
    if (value.empty())
      json.null();
    else
      json_text_or_lossy(json, value);
  }
  json.key("policy_from").string(from);
  json.key("decision").string(decision_text(told.decision));
  json.key("accepted").boolean(decision_accepted(told.decision));
  json.key("decided_by").string(told.decided_by().name).key("rule");
  json_text_or_lossy(json, told.decided_by().rule);
  json.key("wanted_lane").string(lane_name(told.wanted)).key("lane").string(lane_name(told.lane));
  json.key("stages").begin_array();
  for (size_t i = 0; i < told.stages.size(); ++i) print_stage_json(json, told.stages[i], i == told.deciding);
  json.end_array().end_object();
  out.foreign(text);
}

ExitCode print(Output& out, const MessageVerdict& told, const Envelope* envelope, const std::string& from) {
  if (out.json()) {
    print_json(out, told, envelope, from);
  } else {
    Table table({"STAGE", "RESULT", "RULE"});
    table.add({"decision", std::string(decision_text(told.decision)),
               told.decided_by().name + ": " + told.decided_by().rule});
    for (size_t i = 0; i < told.stages.size(); ++i)
      table.add({told.stages[i].name,
                 shown_result(told.stages[i]) + (told.stages[i].denies() && i == told.deciding ? " (verdict)" : ""),
                 told.stages[i].rule});
    table.add({"policy", "", from});
    out.table(table);
  }
  return decision_accepted(told.decision) ? ExitCode::kOk : ExitCode::kFailed;
}

/// @return false where the file is wrong; every problem was told then.
bool read_config(Context& context, const ExplainMessageOptions& options, const std::string& profile, Judge& judge) {
  std::vector<std::string> problems;
  judge.config = read_gateway_config(options.config, problems);
  for (const auto& problem : problems) context.out.note(problem);
  if (!problems.empty()) return false;
  judge.from = options.config;
  if (!profile.empty()) {
    const bool production = profile == profile_text(Profile::kProduction);
    judge.config.policy.default_rule =
        production ? gateway::DefaultRule::kDeny : gateway::DefaultRule::kAllowWithoutAny;
    judge.from += "; profile as --profile says";
  }
  return true;
}

}  // namespace

ExitCode explain_message_file(Context& context, const ExplainMessageOptions& options, const std::string& profile) {
  Output& out = context.out;
  const Keys& keys = context.settings.keys;
  auto bytes = read_input(options.file, limits::kMaxEnvelopeBytes, "a message's envelope, one JSON object");
  if (!bytes.ok()) return out.fail(bytes.error());
  Judge judge;
  if (!options.config.empty() && !read_config(context, options, profile, judge)) return ExitCode::kUsage;
  const std::string& own_rules = judge.config.dlp_rules_file;
  judge.rules = rules_of(context, options.dlp_rules.empty() ? own_rules : options.dlp_rules);
  if (judge.rules == nullptr) return ExitCode::kUsage;
  auto redis = SyncRedis::open(context.settings);
  if (!redis.ok()) return out.fail(redis.error());
  if (options.config.empty()) {
    auto found = profile_of(**redis, keys, profile, judge.from);
    if (!found.ok()) return out.fail(found.error());
    judge.config = default_gateway_config(*found == Profile::kProduction);
  }

  // A file ends with a line break, which no sender sends.
  std::string_view message = *bytes;
  while (!message.empty() && (message.back() == '\n' || message.back() == '\r')) message.remove_suffix(1);
  EnvelopeDecoder decoder;
  auto envelope = decoder.decode(message, judge.config.max_envelope);
  if (!envelope.ok()) return print(out, not_decoded(envelope.error(), judge.config.max_envelope), nullptr, judge.from);
  auto agents = collect_explain_facts(**redis, keys, std::string(envelope->sender_id), std::string(envelope->target_id),
                                      judge.config.limits);
  if (!agents.ok()) return out.fail(agents.error());
  agents->profile = judge.config.production() ? Profile::kProduction : Profile::kDevelopment;
  agents->takes_registry_token = judge.config.policy.auth.accept_registry_token;
  const Lane lane = lane_of(*envelope, *agents, judge.config.policy);
  auto facts = collect_message_facts(**redis, keys, std::move(*agents), lane);
  if (!facts.ok()) return out.fail(facts.error());
  auto told = explain_message(*envelope, *facts, judge.config, judge.rules);
  if (!told.ok()) return out.fail(told.error());
  return print(out, *told, &*envelope, judge.from);
}

}  // namespace mas::ctl
