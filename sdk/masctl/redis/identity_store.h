// Identities in Redis: read, listed, and changed together with the operator's record.
//
// A change is WATCH, read, decide, MULTI … EXEC: when somebody else changed the identity meanwhile, nothing is written.
// Failure: kNotFound without an identity; kMalformed for one that cannot be read; kRefused when it was changed
// meanwhile.
#pragma once

#include <string>
#include <vector>

#include "proto/wire/identity.h"
#include "proto/wire/keys.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

struct ListedIdentity {
  std::string agent;
  Result<Identity> identity;
};

/// Reads one identity. @param watched whether store_identity follows on the same connection.
Result<Identity> load_identity(SyncRedis& redis, const Keys& keys, const std::string& agent, bool watched);

/// All identities, by agent id; those that cannot be read with why.
Result<std::vector<ListedIdentity>> list_identities(SyncRedis& redis, const Keys& keys);

/// Who changes what, for the operators' stream.
struct OperatorNote {
  std::string who, action, detail;
};

/// Replaces the hash by `identity`, if it is as load_identity left it.
Status store_identity(SyncRedis& redis, const Keys& keys, const Identity& identity, const OperatorNote& note);

}  // namespace mas::ctl
