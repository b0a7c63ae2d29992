// Whether an agent takes part in gateway mode, by the fields of its registry entry. Pure.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "proto/wire/agent_entry.h"

namespace mas {

/// Field names to ask for, in the order presence_from_values expects the answers.
inline constexpr std::array<std::string_view, 4> kPresenceFields = {"id", "mode", "status", "token"};
/// Bytes up to which each of these fields is read.
inline constexpr std::array<size_t, kPresenceFields.size()> kPresenceBounds = {
    limits::kForeignAgentIdBytes, kEntryTextBytes, kEntryTextBytes, limits::kCredentialBytes};

struct Presence {
  bool registered = false;
  bool gateway_mode = false;
  bool active = false;
  std::string_view token;  ///< of the registry; empty: none. Lives as long as the values.
};

/// @param id the id in the key's name. @param values one per field, nullopt for a missing one; empty for no hash.
/// @return not registered for an entry that is missing or names another id.
inline Presence presence_from_values(std::string_view id, std::span<const std::optional<std::string_view>> values) {
  if (values.size() != kPresenceFields.size() || values[0] != id) return {};
  return {true, values[1] == kModeGateway, values[2] == kStatusActive, values[3].value_or(std::string_view())};
}

}  // namespace mas
