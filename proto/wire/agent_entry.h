// A registry entry: the hash `agent:{id}` as a value, read leniently from foreign writers and written
// strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/limits.h"

namespace mas {

struct AgentEntry {
  std::string id;
  std::vector<std::string> capabilities;
  std::string metadata = "{}";  ///< raw JSON object
  bool active = true;           ///< `status` is ACTIVE
  double registered_at = 0;     ///< seconds since the epoch; 0 where absent or not a number
};

inline constexpr std::string_view kStatusActive = "ACTIVE";
inline constexpr std::string_view kStatusInactive = "INACTIVE";
/// `mode` of an agent that sends and receives through the gateway; peer-to-peer agents have no such field.
inline constexpr std::string_view kModeGateway = "gateway";

/// Field names to ask for, in the order agent_entry_from_values expects the answers: id, capabilities,
/// metadata, status, registered_at.
inline constexpr std::string_view kAgentEntryFields[] = {"id", "capabilities", "metadata", "status", "registered_at"};

/// Bytes of the JSON array of all capabilities.
inline constexpr size_t kCapabilitiesBytes = 256 * 1024;
/// Bytes of `status` and of `registered_at`.
inline constexpr size_t kEntryTextBytes = 64;
/// Bytes up to which each of these fields is read. A reader asks for the sizes (HSTRLEN) before the values: their
/// writer chose them.
inline constexpr size_t kAgentEntryBounds[] = {limits::kForeignAgentIdBytes, kCapabilitiesBytes, limits::kMetadataBytes,
                                               kEntryTextBytes, kEntryTextBytes};

/// @param sizes one per field, in bytes; 0 for a missing one.
/// @return ok, or kTooLarge with the first field that is over its bound: the entry's values must not be read then.
Status check_agent_entry_sizes(std::span<const int64_t> sizes);

/// Builds an entry from the answers to `HMGET agent:{id} <kAgentEntryFields>`.
/// @param key_id the id in the key's name; the entry's own `id` field must equal it.
/// @param values one per field; nullopt for a missing field.
/// Foreign writers may leave out everything but `id`; an entry without `status` ACTIVE is not active.
/// @return kNotFound when there is no entry under the key (no `id` field: also true of sub-keys such as
/// `agent:{id}:instances`); kMalformed or kTooLarge with the field that is wrong and what was expected.
Result<AgentEntry> agent_entry_from_values(std::string_view key_id,
                                           const std::vector<std::optional<std::string_view>>& values);

/// @return ok, or kInvalidArgument: 1–128 bytes of valid UTF-8 without control characters.
Status check_capability(std::string_view capability);

/// @return the `capabilities` field: a JSON array.
std::string capabilities_json(const std::vector<std::string>& capabilities);

}  // namespace mas
