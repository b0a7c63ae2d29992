// Wake-ups: what a gateway publishes on a receiver's channel (Keys::wake_channel) after a commit on a Redis Cluster, so
// that the receiver reads the streams that have something new and no others.
//
//   text      pair { " " pair }, at most kMaxWakeUps pairs
//   pair      PARTITION " " LANE, or PARTITION " @" INSTANCE for the reply inbox of an instance: "7 normal", "7 @1f…"
//
// PARTITION is decimal without leading zeros and below kMaxPartitions, INSTANCE 32 lower-case hexadecimal digits.
// Failure: kMalformed for anything else; a receiver then looks at all its streams, as it does when a wake-up was lost.
// Pure. Threading: none. Ownership: a view lives as long as the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/lane.h"

namespace mas {

/// An inbox that has something new.
struct WakeUp {
  unsigned partition = 0;       ///< of the sender
  Lane lane = Lane::kNormal;    ///< meaningless with an instance
  std::string_view instance{};  ///< not empty: the reply inbox of this instance

  bool operator==(const WakeUp&) const = default;
};

/// Pairs in one text: more inboxes than one commit writes for a receiver need more texts.
inline constexpr size_t kMaxWakeUps = 64;
/// Bytes of the longest text.
inline constexpr size_t kMaxWakeUpBytes = kMaxWakeUps * (sizeof("1023 @") - 1 + 32 + 1) - 1;

/// Appends a pair to a text; behind a space unless it is the first.
void append_wake_up(std::string& out, const WakeUp& one);

/// @param ret_inboxes its vector is reused; empty after a failure.
Status decode_wake_ups(std::string_view text, std::vector<WakeUp>& ret_inboxes);

}  // namespace mas
