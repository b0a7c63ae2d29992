// New secrets for an identity: what `identity create` and `identity rotate` decide. Pure but for randomness.
//
// Failure: nothing of the identity has changed. Ownership: the caller's; Credentials wipe themselves.
#pragma once

#include <string_view>

#include "proto/wire/credentials.h"
#include "proto/wire/identity.h"

namespace mas::ctl {

struct Issue {
  bool token = true;
  bool key = true;
  const MasterKey* master = nullptr;  ///< must be there for a key
  Duration overlap{0};                ///< how long the secrets before these stay good
  std::string_view ns{};              ///< the namespace of the identity, without '/'
};

/// Puts a new token, a new key or both into `identity`, whose former ones end after the overlap (0: now). Keys that
/// have ended already are removed, and counts the change.
/// @return what the agent needs; kInvalidState when the identity was revoked, when the master key does not open the
/// keys that it has, or when it would have too many keys.
Result<Credentials> issue_secrets(Identity& identity, const Issue& issue, WallMicros now);

/// @return whether a key signs at `now`.
bool key_is_good(const IdentityKey& key, WallMicros now);

}  // namespace mas::ctl
