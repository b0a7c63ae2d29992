// Members of mas.retry:{p}, written and read.
#include "proto/wire/waiting_retry.h"

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/wire/failure_report.h"
#include "proto/wire/record_batch.h"

namespace mas {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kFlags = Record::kTicket | Record::kReplayed;

}  // namespace

void WaitingRetry::encode(std::string& out) const {
  auto written = static_cast<uint8_t>((flags & kFlags & ~Record::kTicket) | (ticket.empty() ? 0 : Record::kTicket));
  ByteWriter(out)
      .integer(kVersion)
      .integer(written)
      .integer(static_cast<uint8_t>(lane))
      .integer(index)
      .text16(agent)
      .text16(entry);
  state.encode(out);
  out.append(ticket).append(envelope);
}

Result<WaitingRetry> WaitingRetry::decode(std::string_view bytes) {
  ByteReader in(bytes);
  auto version = in.integer<uint8_t>();
  WaitingRetry retry;
  retry.flags = in.integer<uint8_t>();
  auto lane = in.integer<uint8_t>();
  retry.index = in.integer<uint32_t>();
  retry.agent = in.text16();
  retry.entry = in.text16();
  auto state = RetryState::decode(in.bytes(RetryState::kEncodedBytes));
  if ((retry.flags & Record::kTicket) != 0) retry.ticket = in.bytes(kTicketBytes);
  retry.envelope = in.rest();
  bool legal = in.ok() && version == kVersion && (retry.flags & ~kFlags) == 0 && lane < kLanes.size() && state.ok() &&
               check_agent_id(retry.agent).ok() && time_of_entry(retry.entry);
  if (!legal) return Error{Errc::kMalformed, "not a message that waits to be delivered again (version 1)"};
  retry.lane = static_cast<Lane>(lane);
  retry.state = *state;
  return retry;
}

}  // namespace mas
