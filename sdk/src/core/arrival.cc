// Envelopes, taken or told.
#include "sdk/src/core/arrival.h"

#include "proto/base/ids.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"

namespace mas::sdk {
namespace {

/// @return whom an envelope names as its sender, though it cannot be taken: for who looks for where it comes from.
std::string claimed_sender(std::string_view envelope) {
  std::string name = "nobody";
  if (envelope.size() > limits::kMaxEnvelopeBytes) return name;
  auto members = JsonReader::local().members(envelope);
  if (!members) return name;
  for (const auto& [member, token] : *members)
    if (member == "sender_id") name = "'" + printable(json_text(token)) + "'";
  return name;
}

}  // namespace

Result<MessagePtr> open_envelope(AgentContext& agent, EnvelopeDecoder& decoder, std::string_view envelope,
                                 std::string_view ticket) {
  auto message = mas_message::make(envelope, decoder, agent.config.max_envelope, *agent.mode->outbox, ticket);
  if (!message) {
    agent.counters.malformed.add();
    if (agent.config.debug != nullptr)
      agent.debug("dropped a message that names " + claimed_sender(envelope) +
                  " as its sender: " + message.error().message);
    return message;
  }
  const mas_message& received = **message;
  if (received.target() == agent.config.id) return message;
  agent.counters.malformed.add();
  agent.debug("dropped a message of '" + printable(received.sender()) + "', which is for '" +
              printable(received.target()) + "'");
  return Error{Errc::kMalformed, "the message is for another agent"};
}

void drop_oversized(AgentContext& agent, uint64_t bytes) {
  agent.counters.malformed.add();
  agent.debug("dropped a message of " + std::to_string(bytes) + " bytes; expected at most " +
              std::to_string(agent.config.max_envelope));
}

}  // namespace mas::sdk
