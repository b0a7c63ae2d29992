// The judge of one message: a function of each stage, and which of them decides.
#include "sdk/masctl/explain/message.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "daemons/gatewayd/approval/rules.h"
#include "daemons/gatewayd/authz/priority.h"
#include "daemons/gatewayd/authz/wanted_lane.h"
#include "daemons/gatewayd/dlp/stage.h"
#include "daemons/gatewayd/guard/guard.h"
#include "daemons/gatewayd/policy/stages.h"
#include "proto/base/ids.h"
#include "proto/wire/chain.h"
#include "proto/wire/error_reply.h"

namespace mas::ctl {

namespace {

using gateway::Mode;

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

ExplainedStage judged(Decision decision, std::string rule) {
  ExplainedStage stage;
  stage.decision = decision;
  stage.rule = std::move(rule);
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

/// What masks and tokens make of the texts in `meta` that have a bound (daemons/gatewayd/dlp/rewrite.h).
/// @param rewritten the envelope with them.
std::string lost_from_meta(const EnvelopeMeta& before, std::string_view rewritten, size_t max_envelope) {
  EnvelopeDecoder decoder;
  auto envelope = decoder.decode(rewritten, max_envelope);
  if (!envelope.ok()) return {};
  const EnvelopeMeta& after = envelope->meta;
  std::string out;
  auto left_out = [&out](const char* name, std::string_view was, std::string_view is) {
    if (!was.empty() && is.empty()) out += "; meta." + std::string(name) + " would be too long then, and is left out";
  };
  left_out("traceparent", before.traceparent, after.traceparent);
  left_out("tracestate", before.tracestate, after.tracestate);
  left_out("error.message", before.error.message, after.error.message);
  if (before.error.code != after.error.code) out += "; meta.error.code becomes " + std::string(after.error.code);
  return out;
}

/// The key that values are encrypted under is the gateway's secret; any other of its name tells the same decision.
Result<ExplainedStage> content_stage(const Envelope& envelope, const GatewayConfig& config,
                                     std::shared_ptr<const dlp::Rules> rules) {
  std::optional<DataKey> key;
  if (config.encrypts) {
    auto stand_in = DataKey::of(config.encryption_key_id, "0123456789abcdefghijklmnopqrstuv");
    if (!stand_in.ok()) return stand_in.error();
    key = std::move(*stand_in);
  }
  const HmacKey tags("not told");
  auto engine = dlp::ContentStage::make(rules, std::move(key), tags, config.max_envelope);
  if (!engine.ok()) return engine.error();
  auto findings = findings_in(envelope, std::move(rules));
  if (!findings.ok()) return findings.error();
  const auto& outcome = (*engine)->look(envelope.sender_id, envelope.target_id, envelope.raw, content_of(envelope));
  ExplainedStage stage = judged(outcome.decision, findings_text(*findings));
  stage.findings = std::move(*findings);
  if (!outcome.reason.empty() && stage.findings.empty()) stage.rule = outcome.reason;
  if (outcome.decision == Decision::kTooLarge) stage.rule += "; " + outcome.reason;
  if (outcome.decision == Decision::kRedacted || outcome.decision == Decision::kEncrypted)
    stage.rule += lost_from_meta(envelope.meta, outcome.envelope, config.max_envelope);
  return stage;
}

/// What the requester takes an error reply for. Empty of any other message. An unknown code may be anything, and is not
/// shown.
std::string_view error_of(const Envelope& envelope) {
  const std::string_view code = envelope.meta.error.code;
  return !envelope.meta.is_reply || code.empty() ? std::string_view() : error_code_of(errc_of(code));
}

std::string reply_text(const Envelope& envelope) {
  const std::string_view code = envelope.meta.error.code, meaning = error_of(envelope);
  if (meaning.empty() && !code.empty()) return "; its meta.error has no meaning, since it is not a reply";
  if (!envelope.meta.is_reply) return {};
  if (meaning.empty()) return "; a reply, decided without the ticket that it may carry";
  return "; an error reply, " + std::string(meaning) + (meaning == code ? "" : " (its code is unknown)") +
         ", decided like any reply of " + printable(envelope.sender_id) + ", without the ticket that it may carry";
}

std::string budget_text(std::string_view name, int64_t budget) {
  return std::string(name) + (budget > 0 ? " at most " + std::to_string(budget) : " without limit");
}

/// What a bucket still holds after take() took one. @param period of its debt's unit.
void append_left(std::string& out, const char* name, uint32_t rate, uint64_t capacity, uint64_t debt, uint64_t period) {
  if (rate == 0) return;
  const uint64_t gone = (debt + period - 1) / period;
  const uint64_t left = capacity + 1 > gone ? capacity + 1 - gone : 0;  // with the one that was taken to look
  out += "; the " + std::string(name) + "'s bucket holds " + std::to_string(std::min(left, capacity)) + " of " +
         std::to_string(capacity);
}

/// Judges one message by the gateway's engines, on copies. Has a function of each stage
/// (daemons/gatewayd/policy/stages.h), which says decision and rule; name and mode are the table's. What it is made of
/// must outlive it.
class MessageJudge {
 public:
  /// @param content what content_stage() found.
  MessageJudge(const Envelope& envelope, const MessageFacts& facts, const GatewayConfig& config, ExplainedStage content)
      : envelope_(envelope),
        facts_(facts),
        config_(config),
        policy_(config.policy),
        agents_(explain(facts.agents)),
        content_(std::move(content)),
        wanted_(gateway::wanted_lane(envelope, policy_.priority_in_data)),
        lane_(lane_of(envelope, facts.agents, policy_)) {}

  ExplainedStage decode() const;
  ExplainedStage identity() const { return of_check("identity"); }
  ExplainedStage authorisation() const { return of_check("authorisation"); }
  ExplainedStage target() const { return of_check("target"); }
  ExplainedStage deadline() const;
  ExplainedStage guard() const;
  ExplainedStage rate() const;
  ExplainedStage content() const { return content_; }
  ExplainedStage circuit() const;
  ExplainedStage backlog() const;
  ExplainedStage approval() const;
  ExplainedStage lane() const;

  MessageVerdict verdict() const;

 private:
  ExplainedStage of_check(std::string_view name) const {
    const Check& check = check_named(agents_, name);
    return judged(check.decision, check.rule);
  }

  const Envelope& envelope_;
  const MessageFacts& facts_;
  const GatewayConfig& config_;
  const gateway::Policy& policy_;
  const Explanation agents_;
  const ExplainedStage content_;
  const Lane wanted_, lane_;
};

constexpr auto& kStages = gateway::kStages<MessageJudge>;
constexpr size_t kAuthorisation = 2;
static_assert(kStages[kAuthorisation].name == "authorisation");

ExplainedStage MessageJudge::decode() const {
  if (envelope_.doubled) return judged(Decision::kMalformed, "a member of the envelope occurs twice");
  if (!check_agent_id(envelope_.sender_id).ok()) return judged(Decision::kMalformed, "sender_id is not an agent's id");
  if (!check_agent_id(envelope_.target_id).ok())
    return judged(Decision::kTargetNotFound, "target_id is not an id that the gateway delivers to");
  return judged(Decision::kAllowed, std::to_string(envelope_.raw.size()) + " of " +
                                        std::to_string(config_.max_envelope) + " bytes" + reply_text(envelope_));
}

ExplainedStage MessageJudge::deadline() const {
  if (!envelope_.meta.deadline) return judged(Decision::kAllowed, "it has none");
  const double left = *envelope_.meta.deadline - static_cast<double>(facts_.agents.now) / 1e6;
  const std::string span = seconds_text(static_cast<WallMicros>(std::clamp(std::abs(left), 0.0, 9e12 / 1e6) * 1e6));
  if (left >= 0) return judged(Decision::kAllowed, "in " + span);
  return judged(Decision::kExpired, "it passed " + span + " ago");
}

/// Hops and chain are in the message. The budgets are counted by the gateway that owns the sender's partition.
ExplainedStage MessageJudge::guard() const {
  gateway::GuardSettings path = policy_.guard;
  path.conversation = path.pair = 0;
  gateway::Guard guard(SipKey{});
  guard.configure(path);
  const auto verdict = guard.judge({.sender = envelope_.sender_id,
                                    .target = envelope_.target_id,
                                    .conversation = envelope_.meta.conversation_id,
                                    .chain = envelope_.meta.chain,
                                    .hops = envelope_.meta.hops,
                                    .answers = false},
                                   1);
  if (!verdict.allowed()) return judged(Decision::kLoopDetected, verdict.describe(policy_.guard));
  int64_t length = 0, visits = envelope_.sender_id == envelope_.target_id ? 1 : 0;
  std::string_view id;
  for (ChainReader reader(envelope_.meta.chain); reader.next(id); ++length) visits += id == envelope_.target_id ? 1 : 0;
  return judged(Decision::kAllowed,
                "hops: " + std::to_string(std::max(envelope_.meta.hops, length)) + ", at most " +
                    std::to_string(policy_.guard.max_hops) + "; chain: the target appears in it " +
                    std::to_string(visits) + (visits == 1 ? " time" : " times") + ", at most " +
                    std::to_string(policy_.guard.max_visits) + "; " +
                    budget_text("conversation:", policy_.guard.conversation) + " and " +
                    budget_text("pair:", policy_.guard.pair) + " in " +
                    std::to_string(std::chrono::duration_cast<std::chrono::seconds>(policy_.guard.window).count()) +
                    " s, counted so far: not known here");
}

ExplainedStage MessageJudge::rate() const {
  if (!facts_.agents.limits.ok()) return judged(Decision::kRateLimited, facts_.agents.limits.error().message);
  const gateway::LimitSettings& limits = *facts_.agents.limits;
  const uint64_t bytes = envelope_.raw.size();
  std::string rule = (facts_.agents.own_limits ? "its own: " : "the gateway's defaults: ") + limits.describe();
  if (limits.unlimited()) return judged(Decision::kAllowed, std::move(rule));
  if (!facts_.bucket.ok())
    return judged(Decision::kAllowed,
                  rule + "; the rest of its budget cannot be read: " + facts_.bucket.error().message);
  gateway::LimiterState state = facts_.bucket->value_or(gateway::LimiterState{});
  const auto taken = gateway::take(state, limits, facts_.agents.now, bytes);
  if (!taken.allowed) {
    rule = taken.describe(limits);
    if (taken.retry_after_micros > 0)
      rule += ", used up; the next one in " + seconds_text(static_cast<WallMicros>(taken.retry_after_micros));
    return judged(Decision::kRateLimited, std::move(rule));
  }
  append_left(rule, "minute", limits.per_minute, limits.minute_capacity(), state.minute_debt, 60'000'000);
  append_left(rule, "hour", limits.per_hour, limits.hour_capacity(), state.hour_debt, 3'600'000'000);
  if (limits.bytes_per_minute > 0) {
    const uint64_t gone = (state.byte_debt + 59'999'999) / 60'000'000;
    rule += "; " + std::to_string(bytes) + " bytes, after which " +
            std::to_string(limits.byte_capacity() - std::min(gone, limits.byte_capacity())) + " of " +
            std::to_string(limits.byte_capacity()) + " are left";
  }
  return judged(Decision::kAllowed, std::move(rule));
}

ExplainedStage MessageJudge::circuit() const {
  ExplainedStage stage = of_check("circuit");
  if (stage.denies() && policy_.breaker.on_open == gateway::OnOpen::kDeadLetter)
    stage.rule += "; kept in the dead-letter queue";
  return stage;
}

ExplainedStage MessageJudge::backlog() const {
  if (!facts_.waiting.ok())
    return judged(Decision::kUnavailable, "the target's stream accepts no entry: " + facts_.waiting.error().message);
  const bool full = *facts_.waiting >= policy_.max_backlog_records;
  return judged(full ? Decision::kTargetOverloaded : Decision::kAllowed,
                std::to_string(*facts_.waiting) + " entries wait in lane " + std::string(lane_name(lane_)) +
                    ", of one message or more each; at most about " + std::to_string(policy_.max_backlog_records) +
                    " messages or " + std::to_string(policy_.max_backlog_bytes) + " bytes");
}

/// How much room there is for what is held is the gateway's to know.
ExplainedStage MessageJudge::approval() const {
  const gateway::ApprovalRules* rules = policy_.approval_rules.get();
  if (rules == nullptr || rules->all().empty()) return judged(Decision::kAllowed, "there is no rule");
  const bool looks = policy_.dlp != Mode::kOff;
  const std::function<bool(std::string_view)> found = [&](std::string_view type) {
    return looks && std::any_of(content_.findings.begin(), content_.findings.end(),
                                [&](const StageFinding& one) { return one.acts && one.type == type; });
  };
  const auto number = rules->find({envelope_.sender_id, envelope_.target_id, envelope_.message_type, found});
  if (!number) return judged(Decision::kAllowed, "none of " + std::to_string(rules->all().size()) + " rules matches");
  return judged(Decision::kHeld, gateway::describe(*rules, *number));
}

ExplainedStage MessageJudge::lane() const {
  const Lane highest = gateway::highest_lane(pointers(facts_.agents.roles), policy_.highest_lane);
  return judged(Decision::kAllowed, "wants " + std::string(lane_name(wanted_)) + ", may use " +
                                        std::string(lane_name(highest)) + " at most, takes " +
                                        std::string(lane_name(lane_)));
}

/// @return the first enforced refusal; else the last stage that says more of an accepted message than that it is (what
/// was done to its content, that its target is away); else what authorised it.
size_t deciding(const std::vector<ExplainedStage>& stages) {
  size_t found = kAuthorisation;
  for (size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].mode != Mode::kEnforce || stages[i].decision == Decision::kAllowed) continue;
    if (stages[i].denies()) return i;
    found = i;
  }
  return found;
}

/// Also what stands behind a refusal is judged, so that all that is in the message's way is seen at once.
MessageVerdict MessageJudge::verdict() const {
  MessageVerdict out;
  out.error_reply = error_of(envelope_);
  out.wanted = wanted_;
  out.lane = lane_;
  for (const auto& stage : kStages) {
    const Mode mode = gateway::mode_of(stage, policy_);
    ExplainedStage told =
        mode == Mode::kOff ? judged(Decision::kAllowed, "not evaluated: its mode is off") : (this->*stage.judged)();
    told.name = stage.name;
    told.mode = mode;
    told.judged = mode != Mode::kOff;
    out.stages.push_back(std::move(told));
  }
  out.deciding = deciding(out.stages);
  const ExplainedStage& decided = out.decided_by();
  out.decision =
      decided.mode == Mode::kEnforce || decision_accepted(decided.decision) ? decided.decision : Decision::kAllowed;
  return out;
}

}  // namespace

Lane lane_of(const Envelope& envelope, const ExplainFacts& agents, const gateway::Policy& policy) {
  const Lane wanted = gateway::wanted_lane(envelope, policy.priority_in_data);
  if (policy.priorities != Mode::kEnforce) return wanted;
  return std::max(wanted, gateway::highest_lane(pointers(agents.roles), policy.highest_lane));
}

MessageVerdict not_decoded(const Error& why, size_t max_envelope) {
  MessageVerdict out;
  for (const auto& stage : kStages)
    out.stages.push_back({std::string(stage.name), Decision::kAllowed, Mode::kEnforce, false,
                          "not evaluated: the envelope cannot be read"});
  const bool large = why.code == Errc::kTooLarge;
  out.decision = large ? Decision::kTooLarge : Decision::kMalformed;
  ExplainedStage& decode = out.stages[0];
  decode.decision = out.decision;
  decode.judged = true;
  decode.rule = why.message;
  if (large) decode.rule += "; at most " + std::to_string(max_envelope) + " bytes";
  return out;
}

Result<MessageVerdict> explain_message(const Envelope& envelope, const MessageFacts& facts, const GatewayConfig& config,
                                       std::shared_ptr<const dlp::Rules> rules) {
  auto content = content_stage(envelope, config, std::move(rules));
  if (!content.ok()) return content.error();
  return MessageJudge(envelope, facts, config, std::move(*content)).verdict();
}

}  // namespace mas::ctl
