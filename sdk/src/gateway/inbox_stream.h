// The numbers of an agent's streams: replies, then the lanes by urgency. On a Redis Cluster so for each partition of
// the senders, one after the other. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "proto/wire/lane.h"

namespace mas::sdk {

/// Streams of one partition; of one server, all that there are.
inline constexpr size_t kInboxStreams = kLanes.size() + 1;

/// @param stream its number. @return whether it is a reply stream.
constexpr bool holds_replies(size_t stream) { return stream % kInboxStreams == 0; }
constexpr unsigned partition_of_stream(size_t stream) { return static_cast<unsigned>(stream / kInboxStreams); }
constexpr size_t first_stream_of(unsigned partition) { return partition * kInboxStreams; }
/// @param streams of all partitions. @return those of one.
inline std::span<const std::string> streams_of(std::span<const std::string> streams, unsigned partition) {
  return streams.subspan(first_stream_of(partition), kInboxStreams);
}
/// A reply stream has no lane.
constexpr Lane lane_of_stream(size_t stream) {
  return holds_replies(stream) ? Lane::kNormal : kLanes[stream % kInboxStreams - 1];
}
constexpr size_t stream_of_lane(unsigned partition, Lane lane) {
  return first_stream_of(partition) + 1 + static_cast<size_t>(lane);
}

}  // namespace mas::sdk
