// `explain --message`: what a gateway would decide about one message now, stage by stage, by the gateway's own table
// (daemons/gatewayd/policy/stages.h). Pure.
//
// Each stage is judged by the gateway's own engine, also behind one that refuses, so that all that is in a message's
// way is seen at once; the first refusal that is enforced is the verdict. What a message in a file does not have
// (frame, signature, sequence, ticket) and what only the gateway's memory has (the guard's budgets) is not judged, and
// said to be so. Nothing is sent and nothing changes: limiter, breaker and guard are copies.
// Failure: an envelope that cannot be read is a verdict of the first stage, and nothing behind it is judged.
// Threading: none. What it says names types and paths of a payload, never a value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/gatewayd/limits/limiter.h"
#include "proto/wire/envelope.h"
#include "sdk/masctl/explain/explain.h"
#include "sdk/masctl/policy/gateway_config.h"

namespace mas::ctl {

/// What Redis says besides ExplainFacts, whose limits and circuit are as the gateway would take them.
struct MessageFacts {
  ExplainFacts agents;
  Result<std::optional<gateway::LimiterState>> bucket = std::optional<gateway::LimiterState>();  ///< none: a full one
  Result<uint64_t> waiting = uint64_t{0};  ///< entries in the stream that the message would go to
};

struct StageFinding {
  std::string type, path;
  std::string_view action;
  bool acts = false;  ///< else it is only mentioned
};

struct ExplainedStage {
  std::string name;
  Decision decision = Decision::kAllowed;
  gateway::Mode mode = gateway::Mode::kEnforce;
  bool judged = true;
  std::string rule;  ///< one line: why, with the numbers
  std::vector<StageFinding> findings{};

  bool denies() const { return judged && !decision_accepted(decision); }
};

struct MessageVerdict {
  std::vector<ExplainedStage> stages;
  size_t deciding = 0;
  Decision decision = Decision::kAllowed;
  std::string_view error_reply;  ///< what an error reply means: the code that its requester takes it for; static text
  Lane wanted = Lane::kNormal, lane = Lane::kNormal;

  const ExplainedStage& decided_by() const { return stages[deciding]; }
};

/// The lane that the message would take.
Lane lane_of(const Envelope& envelope, const ExplainFacts& agents, const gateway::Policy& policy);

/// The first stage, for an envelope that was not decoded, with the others unjudged.
MessageVerdict not_decoded(const Error& why, size_t max_envelope);

/// @param rules of data-loss prevention. @return kInternal where those cannot be used.
Result<MessageVerdict> explain_message(const Envelope& envelope, const MessageFacts& facts, const GatewayConfig& config,
                                       std::shared_ptr<const dlp::Rules> rules);

}  // namespace mas::ctl
