// Reads message and policy, asks Redis, prints the stages.
#include "sdk/masctl/commands/explain_message.h"

#include "proto/base/json_writer.h"
#include "sdk/masctl/cli/input_file.h"
#include "sdk/masctl/cli/json_parts.h"
#include "sdk/masctl/dlp/rules_file.h"
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
  ret_from = "the gateway's defaults; profile set by --profile";
  if (auto profile = parse_profile(wanted)) return *profile;
  auto found = find_profile(redis, keys);
  if (!found.ok()) return found.error();
  ret_from = "the gateway's defaults; profile " + found->from;
  return found->profile;
}

std::string_view result_of(const ExplainedStage& stage) {
  if (!stage.judged) return stage.mode == gateway::Mode::kOff ? "off" : "-";
  return stage.decision == Decision::kAllowed ? "ok" : decision_text(stage.decision);
}

std::string shown_result(const ExplainedStage& stage) {
  const bool shadow = stage.judged && stage.mode == gateway::Mode::kShadow && stage.decision != Decision::kAllowed;
  return (shadow ? "shadow " : "") + std::string(result_of(stage));
}

void write_stage(JsonWriter& json, const ExplainedStage& stage, bool verdict) {
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

/// A verdict, and whose it is.
struct Told {
  MessageVerdict verdict;
  std::string sender, target, type, message_id;  ///< empty where the message could not be decoded
  std::string from;                              ///< whose policy
};

void write_told(JsonWriter& json, const Told& told) {
  json.begin_object();
  json_member_or_null(json, "sender", told.sender);
  json_member_or_null(json, "target", told.target);
  json_member_or_null(json, "type", told.type);
  json_member_or_null(json, "message_id", told.message_id);
  const MessageVerdict& verdict = told.verdict;
  json_member_or_null(json, "error_reply", verdict.error_reply);
  json.key("policy_from").string(told.from);
  json.key("decision").string(decision_text(verdict.decision));
  json.key("accepted").boolean(decision_accepted(verdict.decision));
  json.key("decided_by").string(verdict.decided_by().name).key("rule");
  json_text_or_lossy(json, verdict.decided_by().rule);
  json.key("wanted_lane").string(lane_name(verdict.wanted)).key("lane").string(lane_name(verdict.lane));
  json.key("stages").begin_array();
  for (size_t i = 0; i < verdict.stages.size(); ++i) write_stage(json, verdict.stages[i], i == verdict.deciding);
  json.end_array().end_object();
}

void print_told(Output& out, const Told& told) {
  const MessageVerdict& verdict = told.verdict;
  Table table({"STAGE", "RESULT", "RULE"});
  table.add({"decision", std::string(decision_text(verdict.decision)),
             verdict.decided_by().name + ": " + verdict.decided_by().rule});
  for (size_t i = 0; i < verdict.stages.size(); ++i) {
    const ExplainedStage& stage = verdict.stages[i];
    table.add(
        {stage.name, shown_result(stage) + (stage.denies() && i == verdict.deciding ? " (verdict)" : ""), stage.rule});
  }
  table.add({"policy", "", told.from});
  out.table(table);
}

Document document_of(Told told) {
  const bool accepted = decision_accepted(told.verdict.decision);
  return Document::of(std::move(told), write_told, print_told).exits_with(accepted ? ExitCode::kOk : ExitCode::kFailed);
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
    judge.from += "; profile set by --profile";
  }
  return true;
}

}  // namespace

Result<Document> explain_message_file(Context& context, const ExplainMessageOptions& options,
                                      const std::string& profile) {
  const Keys& keys = context.keys();
  auto bytes = read_input(options.file, limits::kMaxEnvelopeBytes, "a message's envelope as one JSON object");
  if (!bytes.ok()) return bytes.error();
  Judge judge;
  if (!options.config.empty() && !read_config(context, options, profile, judge))
    return Document::printed(ExitCode::kUsage);
  const std::string& own_rules = judge.config.dlp_rules_file;
  judge.rules = rules_of(context, options.dlp_rules.empty() ? own_rules : options.dlp_rules);
  if (judge.rules == nullptr) return Document::printed(ExitCode::kUsage);
  if (auto opened = context.redis.open(); !opened.ok()) return opened.error();
  if (options.config.empty()) {
    auto found = profile_of(context.redis, keys, profile, judge.from);
    if (!found.ok()) return found.error();
    judge.config = default_gateway_config(*found == Profile::kProduction);
  }

  // A file ends with a line break, which no sender sends.
  std::string_view message = *bytes;
  while (!message.empty() && (message.back() == '\n' || message.back() == '\r')) message.remove_suffix(1);
  EnvelopeDecoder decoder;
  auto envelope = decoder.decode(message, judge.config.max_envelope);
  if (!envelope.ok())
    return document_of({not_decoded(envelope.error(), judge.config.max_envelope), {}, {}, {}, {}, judge.from});
  Told told{{},
            std::string(envelope->sender_id),
            std::string(envelope->target_id),
            std::string(envelope->message_type),
            std::string(envelope->message_id),
            judge.from};
  auto agents = collect_explain_facts(context.redis, keys, told.sender, told.target, judge.config.limits);
  if (!agents.ok()) return agents.error();
  agents->profile = judge.config.production() ? Profile::kProduction : Profile::kDevelopment;
  agents->takes_registry_token = judge.config.policy.auth.accept_registry_token;
  const Lane lane = lane_of(*envelope, *agents, judge.config.policy);
  auto facts = collect_message_facts(context.redis, keys, std::move(*agents), lane);
  if (!facts.ok()) return facts.error();
  auto verdict = explain_message(*envelope, *facts, judge.config, judge.rules);
  if (!verdict.ok()) return verdict.error();
  told.verdict = std::move(*verdict);
  return document_of(std::move(told));
}

}  // namespace mas::ctl
