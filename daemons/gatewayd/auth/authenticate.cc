// Authentication of frames.
#include "daemons/gatewayd/auth/authenticate.h"

#include <chrono>

#include "proto/base/bytes.h"
#include "proto/base/secret.h"

namespace mas::gateway {
namespace {

// The same for everything that is wrong with a credential: who tries is not told how near he came.
constexpr AuthResult kNotTheSenders{Decision::kAuthFailed,
                                    "no such identity, or the token or key does not belong to the sender"};
constexpr AuthResult kUnsigned{Decision::kAuthFailed, "a token is not sufficient here; sign with a key"};
constexpr AuthResult kUnreadable{Decision::kUnavailable, "the sender's identity cannot be read"};
constexpr AuthResult kSealed{Decision::kUnavailable, "the gateway cannot open the sender's key"};
constexpr AuthResult kForged{Decision::kSignatureInvalid, "the signature does not match the frame"};
constexpr AuthResult kRevoked{Decision::kRevoked, "the sender's identity was revoked"};
constexpr AuthResult kExpired{Decision::kRevoked, "the sender's identity has expired"};
constexpr AuthResult kSuspended{Decision::kSuspended, "the sender's identity is suspended"};
constexpr AuthResult kReplayed{Decision::kReplayed, "the timestamp is outside the window; check the sender's clock"};

bool good(WallMicros until, WallMicros now) { return until == 0 || now <= until; }

/// Looks at every hash, whichever fits.
bool token_fits(std::string_view token, const SenderSecrets& secrets, const AuthPolicy& policy, WallMicros now) {
  Digest hash = token_hash(token);
  bool fits = false;
  for (const auto& known : secrets.tokens) fits |= equal_in_constant_time(hash, known.hash) && good(known.until, now);
  bool registry = policy.accept_registry_token && secrets.found == SenderSecrets::Found::kNone;
  if (registry && secrets.registry_token) fits |= equal_in_constant_time(hash, *secrets.registry_token);
  return fits;
}

AuthResult find_key(std::string_view id, const SenderSecrets& secrets, WallMicros now, const HmacKey** ret_key) {
  for (const auto& key : secrets.keys) {
    if (key.id != id || !good(key.not_after, now)) continue;
    if (!key.hmac) return kSealed;
    *ret_key = &*key.hmac;
    return {};
  }
  return kNotTheSenders;
}

void add_problem(SenderSecrets& secrets, const std::string& problem) {
  if (!secrets.problem.empty()) secrets.problem += "; ";
  secrets.problem += problem;
}

void add_key(SenderSecrets& secrets, const Identity& identity, const IdentityKey& key, const MasterKey* master,
             std::string_view ns) {
  SenderSecrets::Key& added = secrets.keys.emplace_back();
  added.id = key.id;
  added.not_after = key.not_after;
  if (master == nullptr) return add_problem(secrets, "key " + key.id + ": this gateway has no master key");
  auto bytes = unseal_identity_key(*master, ns, identity.id, key);
  if (!bytes) return add_problem(secrets, bytes.error().message);
  if (bytes->size() == kIdentityKeyBytes)
    added.hmac.emplace(*bytes);
  else
    add_problem(secrets, "key " + key.id + ": expected 32 bytes under the seal");
  wipe(*bytes);
}

}  // namespace

SenderSecrets secrets_of(const Result<Identity>& identity, const MasterKey* master, std::string_view ns) {
  SenderSecrets secrets;
  if (!identity.ok() && identity.error().code == Errc::kNotFound) return secrets;
  if (!identity.ok()) {
    secrets.found = SenderSecrets::Found::kUnreadable;
    secrets.problem = identity.error().message;
    return secrets;
  }
  secrets.found = SenderSecrets::Found::kReadable;
  secrets.state = identity->state;
  secrets.expires_at = identity->expires_at;
  if (identity->token_hash) secrets.tokens.push_back({*identity->token_hash, 0});
  if (identity->token_hash_old) secrets.tokens.push_back({*identity->token_hash_old, identity->token_old_until});
  secrets.keys.reserve(identity->keys.size());
  for (const auto& key : identity->keys) add_key(secrets, *identity, key, master, ns);
  return secrets;
}

AuthResult check_credential(const FrameHeader& header, const SenderSecrets& secrets, const AuthPolicy& policy,
                            WallMicros now, const HmacKey** ret_key) {
  *ret_key = nullptr;
  if (secrets.found == SenderSecrets::Found::kUnreadable) return kUnreadable;
  if (header.kind == CredentialKind::kKey) return find_key(header.credential, secrets, now, ret_key);
  if (!token_fits(header.credential, secrets, policy, now)) return kNotTheSenders;
  return policy.require_signature ? kUnsigned : AuthResult{};
}

bool signature_fits(const FrameParts& frame, std::string_view ns, unsigned partition, std::span<const Digest> digests,
                    const HmacKey& key, std::string& scratch) {
  if (frame.header.kind != CredentialKind::kKey || digests.size() != frame.records.size()) return false;
  scratch.clear();
  append_frame_mac_input(scratch, ns, partition, frame.header, frame.records, digests);
  return equal_in_constant_time(key.tag(scratch), frame.mac);
}

AuthResult check_standing(const FrameHeader& header, const SenderSecrets& secrets, const AuthPolicy& policy,
                          WallMicros now) {
  if (secrets.state == IdentityState::kRevoked) return kRevoked;
  if (!good(secrets.expires_at, now)) return kExpired;
  if (secrets.state == IdentityState::kSuspended) return kSuspended;
  // A decoded timestamp is not negative, and neither is `now`: the difference cannot overflow.
  WallMicros apart = header.timestamp > now ? header.timestamp - now : now - header.timestamp;
  if (apart > std::chrono::duration_cast<std::chrono::microseconds>(policy.drift).count()) return kReplayed;
  return {};
}

std::string describe_drift(WallMicros timestamp, const AuthPolicy& policy, WallMicros now) {
  auto seconds = [](WallMicros t) { return std::to_string(t / 1'000'000) + " s"; };
  const bool behind = timestamp < now;
  return "the frame's timestamp is " + seconds(behind ? now - timestamp : timestamp - now) +
         (behind ? " behind" : " ahead of") + " Redis's clock; expected at most " +
         seconds(std::chrono::duration_cast<std::chrono::microseconds>(policy.drift).count()) +
         ": set the sender's clock, or let its user run TIME";
}

AuthResult check_replayed(FrameHeader header, const SenderSecrets& secrets, const AuthPolicy& policy, WallMicros now) {
  if (secrets.found == SenderSecrets::Found::kUnreadable) return kUnreadable;
  if (secrets.found == SenderSecrets::Found::kNone && !policy.accept_registry_token)
    return {Decision::kAuthFailed, "the sender's identity no longer exists"};
  header.timestamp = now;
  return check_standing(header, secrets, policy, now);
}

AuthResult authenticate(const FrameParts& frame, std::string_view ns, unsigned partition,
                        std::span<const Digest> digests, const SenderSecrets& secrets, const AuthPolicy& policy,
                        WallMicros now, std::string& scratch) {
  const HmacKey* key = nullptr;
  AuthResult result = check_credential(frame.header, secrets, policy, now, &key);
  if (!result.ok()) return result;
  if (key != nullptr && !signature_fits(frame, ns, partition, digests, *key, scratch)) return kForged;
  return check_standing(frame.header, secrets, policy, now);
}

}  // namespace mas::gateway
