// The commands that ask for what PartitionInbox decided, and which answer belongs to what. Each is one run, in the slot
// of one partition. Pure.
#pragma once

#include <span>
#include <string>

#include "proto/redis/command.h"
#include "proto/redis/reply.h"
#include "sdk/src/core/context.h"
#include "sdk/src/gateway/partition_inbox.h"

namespace mas::sdk {

/// @param streams of the partition. @param entries of each stream at most; when looking for strays, as many as are in
/// hand of all. @param dead for a claim.
redis::Command inbox_request(const AgentContext& agent, std::span<const std::string> streams,
                             const PartitionInbox& inbox, const PartitionInbox::Ask& ask, size_t entries,
                             std::span<const std::string> dead);

/// One answer to inbox_request().
struct Part {
  enum class Kind : uint8_t { kClaim, kStrays, kProbe, kRead, kMakeGroup };
  Kind kind;
  StreamSet streams{};  ///< that it is about
  size_t place = 0;     ///< of kMakeGroup, kStrays
};
Part part_of(const PartitionInbox::Ask& ask, size_t index);

/// Everything that reading, claiming and acknowledging take.
redis::Command rights_trial(const AgentContext& agent, std::span<const std::string> streams);

/// The idle time of the consumers begins, and the reply stream goes.
redis::Command inbox_farewell(const AgentContext& agent, std::span<const std::string> streams, StreamSet groups);

/// @return whether the answer says no more than that the stream, or its group, is not there, or that the group is.
bool stream_missing(const redis::Reply& error);

}  // namespace mas::sdk
