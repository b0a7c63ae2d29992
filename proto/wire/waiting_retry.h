// A message that waits to be delivered again: a member of the sorted set `mas.retry:{p}`, whose score is when it is due
// (microseconds since 1970).
//
//   u8 version (1) · u8 record flags · u8 lane · u32 index · text16 agent · text16 entry id · 12 RetryState
//   · 56 ticket (if kTicket) · envelope
//
// Agent and lane say into which stream it goes back. All of it follows from where the message failed and how often, so
// a failure that is reported twice (its reporter died in between) is one member.
// Failure: decode() refuses what encode() does not write. Threading: none. Ownership: views live as long as the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/wire/lane.h"
#include "proto/wire/retry.h"

namespace mas {

struct WaitingRetry {
  uint8_t flags = 0;  ///< Record::kTicket, Record::kReplayed
  Lane lane = Lane::kNormal;
  uint32_t index = 0;      ///< of the record that failed last, in its entry
  std::string_view agent;  ///< whose handler failed
  std::string_view entry;  ///< id of the entry that it failed in last
  RetryState state;
  std::string_view ticket;  ///< kTicketBytes, or empty
  std::string_view envelope;

  void encode(std::string& out) const;
  /// @return kMalformed; the envelope is not looked at.
  static Result<WaitingRetry> decode(std::string_view bytes);
};

}  // namespace mas
