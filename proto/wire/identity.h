// An identity: the hash `mas.identity:{id}` as a value. It says how a gateway authenticates an agent (token, keys),
// until when, in which state the identity is, and which capabilities the agent may claim.
//
// Read strictly and whole (HGETALL): a field that is missing, wrong or unknown makes the identity unreadable, and a
// sender without a readable identity is refused. Tokens are kept as SHA-256, keys sealed (seal.h) for this agent and
// key id, so that a sealed key copied into another agent's identity cannot be opened.
// Failure: kNotFound without any field; kMalformed or kTooLarge with the field and what was expected, never a secret.
// Threading: values. Ownership: an Identity owns its texts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/wire/digest.h"
#include "proto/wire/seal.h"

namespace mas {

enum class IdentityState : uint8_t { kActive, kSuspended, kRevoked };

/// @return "active", "suspended" or "revoked", as in the field.
std::string_view identity_state_text(IdentityState state);

/// A key that signs an agent's frames.
struct IdentityKey {
  std::string id;
  std::string sealed;  ///< the HMAC key, see seal_identity_key
  WallMicros created_at = 0;
  WallMicros not_after = 0;  ///< 0: no end
};

struct Identity {
  std::string id;  ///< the agent's, from the name of the hash
  std::optional<Digest> token_hash;
  std::optional<Digest> token_hash_old;  ///< still good until token_old_until
  WallMicros token_old_until = 0;
  std::vector<IdentityKey> keys;  ///< by id, no two alike
  IdentityState state = IdentityState::kActive;
  WallMicros created_at = 0;
  WallMicros expires_at = 0;  ///< 0: never
  /// Patterns of capabilities; `*` matches any characters. Nothing checks them yet.
  std::vector<std::string> claims;
  uint64_t version = 1;  ///< counts the changes
};

/// @param id the agent id in the key's name.
/// @param names_and_values the answer to HGETALL: name, value, name, value, …
Result<Identity> identity_from_fields(std::string_view id, std::span<const std::string_view> names_and_values);

/// The fields to write, all of them, to a hash that was deleted before.
std::vector<std::pair<std::string, std::string>> identity_fields(const Identity& identity);

/// @return ok, or kInvalidArgument: 1–64 of [A-Za-z0-9._-].
Status check_key_id(std::string_view key_id);

/// A token is known by its hash only. @return SHA-256 of the token.
Digest token_hash(std::string_view token);

/// @param ns the namespace, without '/'. @param key the HMAC key, kIdentityKeyBytes of randomness.
std::string seal_identity_key(const MasterKey& master, std::string_view ns, std::string_view agent_id,
                              std::string_view key_id, std::string_view key);
/// @return the key; kAuthFailed when it was sealed under another master key or for another
/// namespace, agent or key id.
Result<std::string> unseal_identity_key(const MasterKey& master, std::string_view ns, std::string_view agent_id,
                                        const IdentityKey& key);

/// @return whether one of `claims` covers the capability.
bool may_claim(const std::vector<std::string>& claims, std::string_view capability);

inline constexpr size_t kIdentityKeyBytes = 32;

}  // namespace mas
