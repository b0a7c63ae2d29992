// The stages, one function each, and which of them decides.
#include "sdk/masctl/explain/message.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "daemons/gatewayd/authz/priority.h"
#include "daemons/gatewayd/authz/wanted_lane.h"
#include "daemons/gatewayd/dlp/stage.h"
#include "daemons/gatewayd/guard/guard.h"
#include "proto/base/ids.h"
#include "proto/wire/chain.h"

namespace mas::ctl {

namespace {

using gateway::Mode;

constexpr const char* kStageNames[] = {"decode", "identity", "authorisation", "target",  "deadline", "guard",
                                       "rate",   "content",  "circuit",       "backlog", "lane"};
constexpr size_t kTarget = 3, kContent = 7;
constexpr size_t kToldFindings = 8;

std::vector<const gateway::Role*> pointers(const std::vector<gateway::Role>& roles) {
  std::vector<const gateway::Role*> out;
  for (const auto& role : roles) out.push_back(&role);
  return out;
}

std::string seconds_text(WallMicros span) {
  char text[48];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(span) / 1e6);
  return text;
}

const Check& check_named(const Explanation& told, std::string_view name) {
  return *std::find_if(told.checks.begin(), told.checks.end(), [&](const Check& each) { return each.name == name; });
}

Stage of_check(std::string name, const Check& check, Mode mode = Mode::kEnforce) {
  return {std::move(name), check.decision, mode, true, check.rule};
}

/// @return the stage as not asked, where its mode says so.
Stage unless_off(Stage stage) {
  if (stage.mode != Mode::kOff) return stage;
  stage.judged = false;
  stage.decision = Decision::kAllowed;
  stage.rule = "not asked: its mode is off";
  stage.findings.clear();
  return stage;
}

Stage decode_stage(const Envelope& envelope, size_t max_envelope) {
  Stage stage{kStageNames[0], Decision::kAllowed, Mode::kEnforce, true,
              std::to_string(envelope.raw.size()) + " of " + std::to_string(max_envelope) + " bytes"};
  if (envelope.doubled) {
    stage.decision = Decision::kMalformed;
    stage.rule = "a member of the envelope stands there twice";
  } else if (!check_agent_id(envelope.sender_id).ok()) {
    stage.decision = Decision::kMalformed;
    stage.rule = "sender_id is not an agent's id";
  } else if (!check_agent_id(envelope.target_id).ok()) {
    stage.decision = Decision::kTargetNotFound;
    stage.rule = "target_id is not an id that the gateway delivers to";
  } else if (envelope.meta.is_reply) {
    stage.rule += "; a reply, judged without the ticket that it may carry";
  }
  return stage;
}

Stage deadline_stage(const Envelope& envelope, WallMicros now) {
  Stage stage{"deadline", Decision::kAllowed, Mode::kEnforce, true, "it has none"};
  if (!envelope.meta.deadline) return stage;
  const double left = *envelope.meta.deadline - static_cast<double>(now) / 1e6;
  const auto span = static_cast<WallMicros>(std::clamp(std::abs(left), 0.0, 9e12 / 1e6) * 1e6);
  if (left >= 0) {
    stage.rule = "in " + seconds_text(span);
  } else {
    stage.decision = Decision::kExpired;
    stage.rule = "it passed " + seconds_text(span) + " ago";
  }
  return stage;
}

std::string budget_text(std::string_view name, int64_t budget) {
  return std::string(name) + (budget > 0 ? " at most " + std::to_string(budget) : " without limit");
}

/// Hops and chain are in the message. The budgets are counted by the gateway that owns the sender's partition.
Stage guard_stage(const Envelope& envelope, const gateway::Policy& policy) {
  gateway::GuardSettings path = policy.guard;
  path.conversation = path.pair = 0;
  gateway::Guard guard(SipKey{});
  guard.configure(path);
  const auto verdict = guard.judge({.sender = envelope.sender_id,
                                    .target = envelope.target_id,
                                    .conversation = envelope.meta.conversation_id,
                                    .chain = envelope.meta.chain,
                                    .hops = envelope.meta.hops,
                                    .answers = false},
                                   1);
  Stage stage{"guard", Decision::kAllowed, policy.guard_mode, true, {}};
  if (!verdict.allowed()) {
    stage.decision = Decision::kLoopDetected;
    stage.rule = verdict.describe(policy.guard);
    return stage;
  }
  int64_t length = 0, visits = envelope.sender_id == envelope.target_id ? 1 : 0;
  std::string_view id;
  for (ChainReader reader(envelope.meta.chain); reader.next(id); ++length) visits += id == envelope.target_id ? 1 : 0;
  stage.rule = "hops: " + std::to_string(std::max(envelope.meta.hops, length)) + ", at most " +
               std::to_string(policy.guard.max_hops) + "; chain: the target stands in it " + std::to_string(visits) +
               (visits == 1 ? " time" : " times") + ", at most " + std::to_string(policy.guard.max_visits) + "; " +
               budget_text("conversation:", policy.guard.conversation) + " and " +
               budget_text("pair:", policy.guard.pair) + " in " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(policy.guard.window).count()) +
               " s, counted so far: not known here";
  return stage;
}

/// What a bucket still holds after take() took one. @param period of its debt's unit.
void append_left(std::string& out, const char* name, uint32_t rate, uint64_t capacity, uint64_t debt, uint64_t period) {
  if (rate == 0) return;
  const uint64_t gone = (debt + period - 1) / period;
  const uint64_t left = capacity + 1 > gone ? capacity + 1 - gone : 0;  // with the one that was taken to look
  out += "; the " + std::string(name) + "'s bucket holds " + std::to_string(std::min(left, capacity)) + " of " +
         std::to_string(capacity);
}

Stage rate_stage(const MessageFacts& facts, uint64_t bytes, Mode mode) {
  Stage stage{"rate", Decision::kAllowed, mode, true, {}};
  if (!facts.agents.limits.ok()) {
    stage.decision = Decision::kRateLimited;
    stage.rule = facts.agents.limits.error().message;
    return stage;
  }
  const gateway::LimitSettings& limits = *facts.agents.limits;
  stage.rule = (facts.agents.own_limits ? "of its own: " : "the gateway's defaults: ") + limits.describe();
  if (limits.unlimited()) return stage;
  if (!facts.bucket.ok()) {
    stage.rule += "; what is left cannot be read: " + facts.bucket.error().message;
    return stage;
  }
  gateway::LimiterState state = facts.bucket->value_or(gateway::LimiterState{});
  const auto taken = gateway::take(state, limits, facts.agents.now, bytes);
  if (!taken.allowed) {
    stage.decision = Decision::kRateLimited;
    stage.rule = taken.describe(limits);
    if (taken.retry_after_micros > 0)
      stage.rule += ", used up; the next one in " + seconds_text(static_cast<WallMicros>(taken.retry_after_micros));
    return stage;
  }
  append_left(stage.rule, "minute", limits.per_minute, limits.minute_capacity(), state.minute_debt, 60'000'000);
  append_left(stage.rule, "hour", limits.per_hour, limits.hour_capacity(), state.hour_debt, 3'600'000'000);
  if (limits.bytes_per_minute > 0) {
    const uint64_t gone = (state.byte_debt + 59'999'999) / 60'000'000;
    stage.rule += "; " + std::to_string(bytes) + " bytes, after which " +
                  std::to_string(limits.byte_capacity() - std::min(gone, limits.byte_capacity())) + " of " +
                  std::to_string(limits.byte_capacity()) + " are left";
  }
  return stage;
}

std::string_view content_of(const Envelope& envelope) { return envelope.bare ? envelope.data : envelope.raw; }

Result<std::vector<StageFinding>> findings_in(const Envelope& envelope, std::shared_ptr<const dlp::Rules> rules) {
  auto scanner = dlp::Scanner::make(std::move(rules));
  if (!scanner.ok()) return scanner.error();
  (*scanner)->set_scope(envelope.sender_id, envelope.target_id);
  auto status = envelope.bare ? (*scanner)->scan_json(envelope.data, dlp::Document::Shape::kAnything, "data")
                              : (*scanner)->scan_json(envelope.raw, dlp::Document::Shape::kEnvelope);
  std::vector<StageFinding> found;
  if (!status.ok()) return found;  // the stage says so
  for (const auto& finding : (*scanner)->report().findings)
    found.push_back({(*scanner)->rules().types[finding.type].name, (*scanner)->path(finding),
                     dlp::kActionNames[static_cast<size_t>(finding.action)], finding.acts});
  return found;
}

std::string findings_text(const std::vector<StageFinding>& findings) {
  std::string out;
  for (size_t i = 0; i < std::min(findings.size(), kToldFindings); ++i)
    out += (i == 0 ? "" : ", ") + findings[i].type + " at " + findings[i].path + ": " +
           (findings[i].acts ? std::string(findings[i].action) : "possible");
  if (findings.size() > kToldFindings) out += " and " + std::to_string(findings.size() - kToldFindings) + " more";
  return out.empty() ? "nothing was found" : out;
}

/// The key that values are encrypted under is the gateway's secret; any other of its name tells the same decision.
Result<Stage> content_stage(const Envelope& envelope, const GatewayConfig& config,
                            std::shared_ptr<const dlp::Rules> rules) {
  std::optional<DataKey> key;
  if (config.encrypts) {
    auto stand_in = DataKey::of(config.encryption_key_id, std::string(32, '\0'));
    if (stand_in.ok()) key = std::move(*stand_in);
  }
  const HmacKey tags("not told");
  auto engine = dlp::Stage::make(rules, std::move(key), tags, config.max_envelope);
  if (!engine.ok()) return engine.error();
  auto findings = findings_in(envelope, std::move(rules));
  if (!findings.ok()) return findings.error();
  const auto& outcome = (*engine)->look(envelope.sender_id, envelope.target_id, envelope.raw, content_of(envelope));
  Stage stage{"content", outcome.decision, config.policy.dlp, true, findings_text(*findings), std::move(*findings)};
  if (!outcome.reason.empty() && stage.findings.empty()) stage.rule = outcome.reason;
  if (outcome.decision == Decision::kTooLarge) stage.rule += "; " + outcome.reason;
  return stage;
}

Stage circuit_stage(const Explanation& told, const gateway::Policy& policy) {
  Stage stage = of_check("circuit", check_named(told, "circuit"), policy.breaker_mode);
  if (stage.denies() && policy.breaker.on_open == gateway::OnOpen::kDeadLetter)
    stage.rule += "; kept in the dead-letter queue";
  return stage;
}

Stage backlog_stage(const MessageFacts& facts, Lane lane, const gateway::Policy& policy) {
  Stage stage{"backlog", Decision::kAllowed, Mode::kEnforce, true, {}};
  if (!facts.waiting.ok()) {
    stage.decision = Decision::kUnavailable;
    stage.rule = "the target's stream takes no entry: " + facts.waiting.error().message;
    return stage;
  }
  stage.rule = std::to_string(*facts.waiting) + " entries wait in lane " + std::string(lane_name(lane)) +
               ", of one message or more each; at most about " + std::to_string(policy.max_backlog_records) +
               " messages or " + std::to_string(policy.max_backlog_bytes) + " bytes";
  if (*facts.waiting >= policy.max_backlog_records) stage.decision = Decision::kTargetOverloaded;
  return stage;
}

Stage lane_stage(const MessageVerdict& verdict, const ExplainFacts& agents, const gateway::Policy& policy) {
  Stage stage{"lane", Decision::kAllowed, policy.priorities, true, {}};
  const Lane highest = gateway::highest_lane(pointers(agents.roles), policy.highest_lane);
  stage.rule = "wants " + std::string(lane_name(verdict.wanted)) + ", may use " + std::string(lane_name(highest)) +
               " at most, takes " + std::string(lane_name(verdict.lane));
  return stage;
}

/// @return the first enforced refusal; else what was done to the content, a target that is away, or what authorised it.
size_t deciding(const std::vector<Stage>& stages) {
  for (size_t i = 0; i < stages.size(); ++i)
    if (stages[i].denies() && stages[i].mode == Mode::kEnforce) return i;
  constexpr size_t kAuthorisation = 2;
  const Stage& content = stages[kContent];
  if (content.mode == Mode::kEnforce && content.decision != Decision::kAllowed) return kContent;
  return stages[kTarget].decision == Decision::kAllowed ? kAuthorisation : kTarget;
}

}  // namespace

Lane lane_of(const Envelope& envelope, const ExplainFacts& agents, const gateway::Policy& policy) {
  const Lane wanted = gateway::wanted_lane(envelope, policy.priority_in_data);
  if (policy.priorities != Mode::kEnforce) return wanted;
  return std::max(wanted, gateway::highest_lane(pointers(agents.roles), policy.highest_lane));
}

MessageVerdict not_decoded(const Error& why, size_t max_envelope) {
  MessageVerdict out;
  for (const char* name : kStageNames)
    out.stages.push_back({name, Decision::kAllowed, Mode::kEnforce, false, "not judged: the envelope cannot be read"});
  const bool large = why.code == Errc::kTooLarge;
  out.decision = large ? Decision::kTooLarge : Decision::kMalformed;
  out.stages[0] = {kStageNames[0], out.decision, Mode::kEnforce, true, why.message};
  if (large) out.stages[0].rule += "; at most " + std::to_string(max_envelope) + " bytes";
  return out;
}

Result<MessageVerdict> explain_message(const Envelope& envelope, const MessageFacts& facts, const GatewayConfig& config,
                                       std::shared_ptr<const dlp::Rules> rules) {
  const gateway::Policy& policy = config.policy;
  const Explanation told = explain(facts.agents);
  auto content = content_stage(envelope, config, std::move(rules));
  if (!content.ok()) return content.error();

  MessageVerdict out;
  out.wanted = gateway::wanted_lane(envelope, policy.priority_in_data);
  out.lane = lane_of(envelope, facts.agents, policy);
  out.stages.push_back(decode_stage(envelope, config.max_envelope));
  out.stages.push_back(of_check("identity", check_named(told, "identity")));
  out.stages.push_back(unless_off(of_check("authorisation", check_named(told, "authorisation"), policy.authorisation)));
  out.stages.push_back(of_check("target", check_named(told, "target")));
  out.stages.push_back(deadline_stage(envelope, facts.agents.now));
  out.stages.push_back(unless_off(guard_stage(envelope, policy)));
  out.stages.push_back(unless_off(rate_stage(facts, envelope.raw.size(), policy.limits)));
  out.stages.push_back(unless_off(std::move(*content)));
  out.stages.push_back(unless_off(circuit_stage(told, policy)));
  out.stages.push_back(backlog_stage(facts, out.lane, policy));
  out.stages.push_back(unless_off(lane_stage(out, facts.agents, policy)));
  out.deciding = deciding(out.stages);
  const Stage& decided = out.decided_by();
  out.decision =
      decided.mode == Mode::kEnforce || decision_accepted(decided.decision) ? decided.decision : Decision::kAllowed;
  return out;
}

}  // namespace mas::ctl
