// The commands that read and claim an agent's streams, and how much they ask for.
// Pure: each looks at the agent and sends nothing. Threading: the I/O thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/redis/command.h"
#include "sdk/src/core/context.h"
#include "sdk/src/gateway/deliveries.h"

namespace mas::sdk {

/// Where a read begins: behind all entries that were delivered.
inline constexpr std::string_view kNewEntries = ">";
/// No entry has this id or a later one; the very last id means `>`.
inline constexpr std::string_view kBehindAll = "18446744073709551615-0";
/// As long as a read blocks at most.
inline constexpr Duration kMaxBlock = std::chrono::seconds(5);
/// Of a stream, in one read or claim.
inline constexpr size_t kMaxEntries = 16;

/// @param streams of one partition, as gateway_streams(). @param entries of each lane that are claimed of dead
/// instances; 0: none, only how far the lanes were delivered is asked. @param dead on a cluster: who is; else the
/// function looks at the leases.
redis::Command claim_command(const AgentContext& agent, std::span<const std::string> streams, size_t entries,
                             std::span<const std::string> dead = {});

/// Everything that reading, claiming and acknowledging take, of entries that cannot be there. The first of its replies
/// is claim_command()'s.
redis::Command trial_command(const AgentContext& agent, std::span<const std::string> streams);

struct ReadFrom {
  std::string_view stream;
  std::string_view id;  ///< entries behind it, or kNewEntries
};
/// @param block how long to wait for an entry; zero: not at all.
redis::Command read_command(const AgentContext& agent, const std::vector<ReadFrom>& from, size_t entries,
                            Duration block);

/// Which entries does Redis take for delivered to this instance?
/// @param in_hand that many are; one more is asked for, so that one that is not in hand is told, if there is any.
redis::Command pending_command(const AgentContext& agent, std::string_view stream, size_t in_hand);
/// How often. An entry that was never in hand is a stray: it was taken by a read whose link had been given up, and
/// which Redis executed later, after own entries had been read again.
inline constexpr Duration kStrayCheck = std::chrono::seconds(60);

/// How many entries of each of `streams` are asked for at once. COUNT holds for a stream, and what an entry holds is
/// known only when it is there: so as many as fit below the inbound bound if all are as large as can be, and one where
/// not even that many fit.
/// @param reserved entries that were asked for before and are not there yet.
size_t entries_at_once(const AgentContext& agent, const Deliveries& deliveries, size_t streams, size_t reserved = 0);
/// @return how many entries fit below the inbound bound, if all are as large as can be; 0: it is reached.
size_t room_for_entries(const AgentContext& agent, const Deliveries& deliveries);

/// @return whether the error says that the group, or its stream, is not there.
bool group_gone(const redis::Reply& error);

/// How long a read may block: until just after the lease is due for its renewal, so that nothing delays the claims that
/// come then; no longer than it is proven.
Duration block_for(const AgentContext& agent);

}  // namespace mas::sdk
