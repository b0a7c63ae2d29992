// An agent's report that a handler failed: a record of an ingress frame (Record::kFailed), signed and numbered like any
// other, with the report in place of an envelope.
//
//   u8 version (1) · u8 lane · u32 index · u32 handled · text16 entry id · text16 reason
//   version 2, on a Redis Cluster: the same, then u32 partition
//
// It names the message by its place in the agent's own streams. The gateway reads the message there, so an agent can
// neither report a message that it was not sent nor write into another stream.
// Failure: decode() refuses anything that encode() would not write. Threading: none. Ownership: views live as long as
// the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/wire/lane.h"

namespace mas {

struct FailureReport {
  Lane lane = Lane::kNormal;  ///< of the stream
  uint32_t index = 0;         ///< of the record in its entry, from 0
  uint32_t handled = 0;       ///< messages that this instance's handlers took since its last report
  std::string_view entry;     ///< id of the entry, as Redis writes it
  std::string_view reason;    ///< one sentence, UTF-8 without control characters; cut at limits::kFailureReasonBytes
  /// Of the senders, which says in whose slot the stream is; absent where an agent has one stream for a lane.
  std::optional<unsigned> partition{};

  void encode(std::string& out) const;
  /// @return kMalformed for another version, an invalid lane, entry id or partition, or a reason that is too long or
  /// not printable.
  static Result<FailureReport> decode(std::string_view bytes);
};

/// @return when Redis made a stream's entry (the first half of its id, milliseconds); nullopt: not an id.
std::optional<WallMicros> time_of_entry(std::string_view id);

}  // namespace mas
