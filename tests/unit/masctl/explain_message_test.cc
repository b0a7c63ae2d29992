// What `explain --message` says of each stage, where the numbers matter.
#include "sdk/masctl/explain/message.h"

#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::ctl;

namespace {

constexpr WallMicros kNow = 1'795'350'096'000'000;

/// alice writes to bob, who is there, by the defaults of profile development.
struct Case {
  MessageFacts facts;
  GatewayConfig config = default_gateway_config(false);
  std::string meta = "{}", data = "{}";
  std::shared_ptr<const dlp::Rules> rules = *dlp::Rules::standard();

  Case() {
    facts.agents.sender = "alice";
    facts.agents.target = "bob";
    facts.agents.now = kNow;
    facts.agents.sender_standing = {true, true, true, true};
    facts.agents.target_standing = {true, true, true, true};
  }

  MessageVerdict told() const {
    const std::string text = R"({"sender_id":"alice","target_id":"bob","message_type":"note","data":)" + data +
                             R"(,"meta":)" + meta + R"(,"timestamp":1,"message_id":"m"})";
    EnvelopeDecoder decoder;
    auto envelope = decoder.decode(text);
    REQUIRE(envelope.ok());
    auto verdict = explain_message(*envelope, facts, config, rules);
    REQUIRE(verdict.ok());
    return std::move(*verdict);
  }
  ExplainedStage stage(std::string_view name) const {
    for (const ExplainedStage& each : told().stages)
      if (each.name == name) return each;
    FAIL("no such stage");
    return {};
  }
};

}  // namespace

TEST_CASE("the stages are told in the gateway's order, and what nothing is in the way of is authorised") {
  const auto told = Case().told();
  std::string names;
  for (const ExplainedStage& stage : told.stages) names += stage.name + " ";
  CHECK(names == "decode identity authorisation target deadline guard rate content circuit backlog approval lane ");
  CHECK(told.decision == Decision::kAllowed);
  CHECK(told.decided_by().rule == "default: allow");
}

TEST_CASE("a bucket is told as it is now, and is not drawn from") {
  Case at;
  at.facts.agents.own_limits = true;
  at.facts.agents.limits = gateway::LimitSettings{.per_minute = 6, .per_hour = 100, .burst = 3};
  CHECK(at.stage("rate").rule ==
        "its own: 6 per minute, 100 per hour, burst 3; the minute's bucket holds 3 of 3; the hour's bucket holds "
        "100 of "
        "100");
  gateway::LimiterState used;
  for (int i = 0; i < 3; ++i) REQUIRE(gateway::take(used, *at.facts.agents.limits, kNow).allowed);
  at.facts.bucket = std::optional(used);
  CHECK(at.stage("rate").decision == Decision::kRateLimited);
  CHECK(at.stage("rate").rule == "6 per minute, burst 3, used up; the next one in 10.0 s");
  at.facts.agents.now = kNow + 11'000'000;  // one flowed back
  CHECK(at.stage("rate").rule.find("the minute's bucket holds 1 of 3; the hour's bucket holds 97 of 100") !=
        std::string::npos);
  at.facts.bucket = Error{Errc::kMalformed, "what is wrong"};
  CHECK(at.stage("rate").decision == Decision::kAllowed);
}

TEST_CASE("a refusal in shadow mode does not decide, one behind it that is enforced does") {
  Case at;
  at.meta = R"({"hops":40,"deadline":-1})";
  CHECK(at.told().decided_by().name == "deadline");
  at.meta = R"({"hops":40})";
  CHECK(at.told().decided_by().name == "guard");
  at.config.policy.guard_mode = gateway::Mode::kShadow;
  CHECK(at.told().decision == Decision::kAllowed);
  CHECK(at.stage("guard").decision == Decision::kLoopDetected);
  at.facts.waiting = uint64_t{100'000};
  CHECK(at.told().decided_by().name == "backlog");
  at.config.policy.guard_mode = gateway::Mode::kOff;
  CHECK_FALSE(at.stage("guard").judged);
}

TEST_CASE("findings have type, path and action, and no value") {
  Case at;
  at.data = R"({"card":{"number":"4111 1111 1111 1111"}})";
  const ExplainedStage content = at.stage("content");
  REQUIRE(content.findings.size() == 1);
  CHECK(content.findings[0].path == "data.card.number");
  CHECK(content.rule.find("1111") == std::string::npos);
  at.config.policy.dlp = gateway::Mode::kOff;
  CHECK(at.stage("content").findings.empty());
}

TEST_CASE("a deadline without end, or long past, is told as a number") {
  Case at;
  at.meta = R"({"deadline":1e300})";
  CHECK(at.stage("deadline").decision == Decision::kAllowed);
  at.meta = R"({"deadline":-1e300})";
  CHECK(at.stage("deadline").decision == Decision::kExpired);
}

TEST_CASE("an error reply is called one, with what its code means") {
  Case at;
  at.meta = R"({"is_reply":true,"correlation_id":"c","error":{"code":"NO_HANDLER","message":"none for 'x'"}})";
  CHECK(at.stage("decode").rule.ends_with(
      "; an error reply, NO_HANDLER, decided like any reply of alice, without the ticket that it may carry"));
  CHECK(at.told().error_reply == "NO_HANDLER");
  at.meta = R"({"is_reply":true,"error":{"code":"AKIAQYLPMN5HFIQR7XYA"}})";  // a value: it is not shown
  CHECK(at.stage("decode").rule.find("an error reply, HANDLER_FAILED (its code is unknown), decided") !=
        std::string::npos);
  CHECK(at.told().error_reply == "HANDLER_FAILED");
  at.meta = R"({"error":{"code":"NO_HANDLER"}})";
  CHECK(at.stage("decode").rule.ends_with("; its meta.error has no meaning, since it is not a reply"));
  CHECK(at.told().error_reply.empty());
  at.meta = R"({"is_reply":true})";
  CHECK(at.stage("decode").rule.ends_with("; a reply, decided without the ticket that it may carry"));
}

TEST_CASE("what masks take from meta is told") {
  Case at;
  auto rules = std::make_shared<dlp::Rules>(**dlp::Rules::standard());
  rules->types[static_cast<size_t>(dlp::Type::ssn)].action = dlp::Action::kEncrypt;
  rules->types[static_cast<size_t>(dlp::Type::aws_key)].action = dlp::Action::kRedact;
  at.rules = rules;
  at.config.encrypts = true;
  at.config.encryption_key_id = "k1";
  const auto error = [](const std::string& code, const std::string& message) {
    return R"({"is_reply":true,"error":{"code":")" + code + R"(","message":")" + message + R"("}})";
  };
  at.meta = error("NO_HANDLER", "ssn 219-45-9876");
  CHECK(at.stage("content").rule == "ssn at meta.error.message: encrypt");
  CHECK(at.stage("content").decision == Decision::kEncrypted);
  std::string full = "ssn 219-45-9876 ";
  full.resize(limits::kErrorMessageBytes, 'x');
  at.meta = error("AKIAQYLPMN5HFIQR7XYA", full);
  const std::string rule = at.stage("content").rule;
  INFO(rule);
  CHECK(
      rule.ends_with("; meta.error.message would be too long then, and is left out; meta.error.code becomes "
                     "HANDLER_FAILED"));
  full.resize(limits::kMetaTextBytes);
  at.meta = R"({"traceparent":")" + full + R"(","tracestate":")" + full + R"("})";
  CHECK(
      at.stage("content").rule.ends_with("; meta.traceparent would be too long then, and is left out; meta.tracestate "
                                         "would be too long then, and is left out"));
}

TEST_CASE("a message that waits for a person is told with the rule that holds it") {
  Case at;
  const std::vector<gateway::ApprovalRules::Row> rows{{{"target", "carol"}}, {{"sender", "ali*"}, {"dlp_type", "ssn"}}};
  auto rules = gateway::ApprovalRules::parse(rows);
  REQUIRE(rules.ok());
  gateway::Policy& policy = at.config.policy;
  policy.approval_rules = std::make_shared<const gateway::ApprovalRules>(std::move(*rules));
  CHECK_FALSE(at.stage("approval").judged);
  policy.approval = gateway::Mode::kEnforce;
  policy.dlp = gateway::Mode::kShadow;
  CHECK(at.stage("approval").rule == "none of 2 rules matches");
  at.data = R"({"a":"SSN 219-45-9876"})";
  CHECK(at.told().decision == Decision::kHeld);
  CHECK(at.told().decided_by().rule == "rule 2 (sender ali*, dlp_type ssn)");
  policy.dlp = gateway::Mode::kOff;
  CHECK(at.told().decision == Decision::kAllowed);
}
