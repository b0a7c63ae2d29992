// Tokens and keys, made and retired.
#include "sdk/masctl/identity/issue.h"

#include <algorithm>
#include <chrono>

#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "proto/base/secret.h"
#include "proto/wire/limits.h"

namespace mas::ctl {

namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kKeyIdBytes = 6;

WallMicros micros_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

void issue_token(Identity& identity, WallMicros old_until, WallMicros now, Credentials& ret_credentials) {
  ret_credentials.token = random_token(kTokenBytes);
  identity.token_hash_old = old_until > now ? identity.token_hash : std::nullopt;
  identity.token_old_until = identity.token_hash_old ? old_until : 0;
  identity.token_hash = token_hash(ret_credentials.token);
}

/// A key sealed under another master key would leave the agent half locked out, and nobody would notice until then.
Status check_master(const Identity& identity, const Issue& issue, WallMicros now) {
  for (const auto& key : identity.keys) {
    if (!key_is_good(key, now)) continue;
    auto plain = unseal_identity_key(*issue.master, issue.ns, identity.id, key);
    if (!plain) return Error{Errc::kInvalidState, plain.error().message};
    wipe(*plain);
  }
  return {};
}

Status issue_key(Identity& identity, const Issue& issue, WallMicros old_until, WallMicros now,
                 Credentials& ret_credentials) {
  if (auto status = check_master(identity, issue, now); !status) return status;
  std::vector<IdentityKey> keys;
  for (auto key : identity.keys) {
    bool ends_earlier = key.not_after != 0 && key.not_after < old_until;
    if (!ends_earlier) key.not_after = old_until;
    if (key.not_after > now) keys.push_back(std::move(key));
  }
  if (keys.size() >= limits::kIdentityKeys)
    return Error{Errc::kInvalidState, "the identity has " + std::to_string(keys.size()) +
                                          " keys that are still valid; rotate with a shorter --overlap"};
  std::array<unsigned char, kKeyIdBytes> id;
  random_bytes(id);
  std::array<unsigned char, kIdentityKeyBytes> bytes;
  random_bytes(bytes);
  ret_credentials.key_id = "k" + to_hex(id);
  ret_credentials.key = view_of(bytes);
  wipe(bytes);
  std::string sealed =
      seal_identity_key(*issue.master, issue.ns, identity.id, ret_credentials.key_id, ret_credentials.key);
  keys.push_back({ret_credentials.key_id, std::move(sealed), now, 0});
  identity.keys = std::move(keys);
  return {};
}

}  // namespace

bool key_is_good(const IdentityKey& key, WallMicros now) { return key.not_after == 0 || now <= key.not_after; }

Result<Credentials> issue_secrets(Identity& identity, const Issue& issue, WallMicros now) {
  if (identity.state == IdentityState::kRevoked)
    return Error{Errc::kInvalidState,
                 "the identity was revoked, which is final ('identity create --force' creates a new one)"};
  if (issue.key && issue.master == nullptr)
    return Error{Errc::kInvalidArgument, "a key cannot be created without the master key that seals it"};
  Identity changed = identity;
  Credentials credentials;
  credentials.agent_id = identity.id;
  WallMicros old_until = now + micros_of(issue.overlap);
  if (issue.key)
    if (auto status = issue_key(changed, issue, old_until, now, credentials); !status) return status.error();
  if (issue.token) issue_token(changed, old_until, now, credentials);
  ++changed.version;
  identity = std::move(changed);
  return credentials;
}

}  // namespace mas::ctl
