// From records to messages.
#include "sdk/src/gateway/unpacker.h"

#include <utility>

#include "proto/base/ids.h"
#include "proto/wire/retry.h"
#include "sdk/src/core/arrival.h"

namespace mas::sdk {
namespace {

/// @return how often its handler failed.
uint32_t failures_of(const Record& record) {
  if (record.retry.empty()) return 0;
  auto state = RetryState::decode(record.retry);
  return state ? state->attempts : 1;
}

}  // namespace

void Unpacker::take(const DeliveryPtr& delivery, std::string_view blob, const std::string& stream) {
  AgentContext& agent = host_.context();
  auto records = records_of_entry(blob);
  Status status = records ? Status() : records.error();
  if (records) {
    RecordReader reader(*records);
    uint32_t index = 0;
    for (Record record; reader.next(record); ++index) take_record(delivery, index, record);
    status = reader.status();
  }
  if (status) return;
  agent.counters.malformed.add();
  agent.debug("dropped the rest of entry " + delivery->id + " of " + stream + ": " + status.error().message);
}

void Unpacker::take_record(const DeliveryPtr& delivery, uint32_t index, const Record& record) {
  AgentContext& agent = host_.context();
  const bool reply_stream = holds_replies(delivery->stream);
  auto message = open_envelope(agent, host_.decoder(), record.envelope, record.ticket);
  if (!message) {
    const Errc why = message.error().code;
    const bool lost = why == Errc::kTooLarge || why == Errc::kNoMemory;  // else nobody could read it
    if (lost && !reply_stream)
      deliveries_.refuse({delivery, index, {}}, record.envelope.size(), "too large for the agent, or for its memory");
    return;
  }
  mas_message& received = **message;
  if (dedupe_.seen(received.sender(), received.id())) return agent.counters.duplicates.add();
  if (!received.is_reply()) {
    deliveries_.opened(*delivery, received.size());
    received.came_with({delivery, index, dedupe_.key_of(received.sender(), received.id())}, failures_of(record));
  } else if (!reply_stream) {  // which the gateway writes for the bearer of a ticket alone
    agent.counters.received.add();
    agent.counters.foreign_replies.add();
    return agent.debug("dropped a reply of '" + printable(received.sender()) +
                       "', which did not come on the reply stream");
  }
  host_.deliver(delivery->lane, std::move(*message));
}

void Unpacker::fail(const DeliveryPtr& delivery, std::string_view blob) {
  auto records = records_of_entry(blob);
  if (!records) return;  // it is acknowledged
  RecordReader reader(*records);
  uint32_t index = 0;
  for (Record record; reader.next(record); ++index)
    deliveries_.refuse({delivery, index, {}}, record.envelope.size(), "the processes that were to handle it ended");
}

}  // namespace mas::sdk
