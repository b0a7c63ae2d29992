// Authenticates the sender of a frame. Pure: no clock, no Redis; keys are unsealed once per identity, not per frame.
//
// Happy path: secrets_of() makes SenderSecrets of an identity, to be cached until the identity changes; authenticate()
// answers for one frame. Its three steps can be called apart:
//
//   check_credential   the token's hash, or the key id, is one of the sender's   else AUTH_FAILED
//   signature_fits     the MAC under that key fits (only with a key)             else SIGNATURE_INVALID
//   check_standing     state, expiry, then the window of the timestamp           else REVOKED, SUSPENDED, REPLAYED
//
// in this order, since only an authenticated sender learns its state. A key past its overlap counts as absent:
// AUTH_FAILED. A timestamp is protected only if the frame is signed.
// Failure: fails closed. A sender whose identity cannot be read, and a key that this gateway cannot open, are
// UNAVAILABLE. Secrets are compared in constant time. Threading: const everywhere; the scratch string is the caller's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/decisions.h"
#include "proto/base/result.h"
#include "proto/wire/digest.h"
#include "proto/wire/frame.h"
#include "proto/wire/identity.h"
#include "proto/wire/seal.h"

namespace mas::gateway {

struct AuthPolicy {
  bool require_signature = false;     ///< a token alone does not do
  bool accept_registry_token = true;  ///< the plaintext `token` of agent:{id}, for senders without an identity
  Duration drift = std::chrono::minutes(5);
};

/// What the gateway knows of one sender. Default: a sender without identity.
struct SenderSecrets {
  enum class Found : uint8_t { kNone, kReadable, kUnreadable };
  struct Token {
    Digest hash;
    WallMicros until = 0;  ///< 0: no end
  };
  struct Key {
    std::string id;
    std::optional<HmacKey> hmac;  ///< nullopt: this gateway cannot open it
    WallMicros not_after = 0;     ///< 0: no end
  };

  Found found = Found::kNone;
  IdentityState state = IdentityState::kActive;
  WallMicros expires_at = 0;  ///< 0: never
  std::vector<Token> tokens;
  std::vector<Key> keys;
  /// SHA-256 of the registry entry's `token`; the caller sets it, since the entry is another key.
  std::optional<Digest> registry_token;
  /// What an operator should know: why the identity is unreadable, which key does not open. Empty: nothing. To be
  /// logged when the identity is loaded.
  std::string problem;
};

/// @param identity what identity_from_fields returned; kNotFound is a sender without identity.
/// @param master nullptr: this gateway has no master key.
SenderSecrets secrets_of(const Result<Identity>& identity, const MasterKey* master, std::string_view ns = {});

/// A decision and, for a refusal, one sentence for the receipt and the audit. kAllowed: go on.
struct AuthResult {
  Decision decision = Decision::kAllowed;
  std::string_view detail;  ///< static

  bool ok() const { return decision == Decision::kAllowed; }
};

/// A frame as it was decoded; its parts may stand anywhere.
struct FrameParts {
  FrameParts(const FrameHeader& h, const Digest& m, std::span<const Record> r) : header(h), mac(m), records(r) {}
  FrameParts(const Frame& frame)  // NOLINT(google-explicit-constructor)
      : header(frame.header), mac(frame.mac), records(frame.records) {}

  const FrameHeader& header;
  const Digest& mac;
  std::span<const Record> records;
};

/// @param ret_key set to the key that the frame must be signed with, a pointer into `secrets`; nullptr with a token.
AuthResult check_credential(const FrameHeader& header, const SenderSecrets& secrets, const AuthPolicy& policy,
                            WallMicros now, const HmacKey** ret_key);

/// @param digests SHA-256 of each record's envelope. @param scratch reused, to allocate nothing per frame.
bool signature_fits(const FrameParts& frame, std::string_view ns, unsigned partition, std::span<const Digest> digests,
                    const HmacKey& key, std::string& scratch);

AuthResult check_standing(const FrameHeader& header, const SenderSecrets& secrets, const AuthPolicy& policy,
                          WallMicros now);

/// @return by how much a refused timestamp is wrong, for the receipt: "the frame's timestamp is 601 s behind …".
std::string describe_drift(WallMicros timestamp, const AuthPolicy& policy, WallMicros now);

/// Of the sender of a message that was authentic once: whether it may still send. The frame's timestamp is not asked.
AuthResult check_replayed(FrameHeader header, const SenderSecrets& secrets, const AuthPolicy& policy, WallMicros now);

/// All three.
AuthResult authenticate(const FrameParts& frame, std::string_view ns, unsigned partition,
                        std::span<const Digest> digests, const SenderSecrets& secrets, const AuthPolicy& policy,
                        WallMicros now, std::string& scratch);

}  // namespace mas::gateway
