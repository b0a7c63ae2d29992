// Records of Redis users, read and changed; and the users themselves, written to every primary and its replicas: a
// replica lets its own users in, and may be the next primary.
//
// A change of a record and of the agent's identity is one transaction with the operator's record (WATCH, read, decide,
// MULTI … EXEC). Redis's own users cannot be part of it: they are written afterwards, and mas-registryd, which writes
// them again and again, mends what failed between the two.
// Failure: kNotFound without a record; kMalformed for one that cannot be read; kRefused when it was changed meanwhile.
#pragma once

#include <string>
#include <vector>

#include "proto/users/user_record.h"
#include "proto/users/user_rules.h"
#include "sdk/masctl/redis/identity_store.h"
#include "sdk/masctl/redis/sync_redis.h"

namespace mas::ctl {

struct ListedUser {
  std::string field;
  Result<UserRecord> record;
};

/// @param watched whether store_user follows on the same connection.
Result<UserRecord> load_user(SyncRedis& redis, const Keys& keys, UserRole role, const std::string& id, bool watched);

/// All records, by field; those that cannot be read with why.
Result<std::vector<ListedUser>> list_users(SyncRedis& redis, const Keys& keys);

/// Writes the record, and the identity if it is given, with the operator's record.
Status store_user(SyncRedis& redis, const Keys& keys, const UserRecord& record, const Identity* identity,
                  const OperatorNote& note);

/// What rules depend on, as masctl's URL and mas.config say.
Result<RedisSite> read_site(SyncRedis& redis, const Settings& settings);

/// Writes or removes the user on every server, as its record says. What it loses ends its subscriptions; a user that
/// is removed loses its connections.
/// @param cut whether all connections of the user end.
/// @return the replicas that could not be told, each with why; an error: of a primary.
Result<std::vector<std::string>> apply_user(SyncRedis& redis, const Settings& settings, const RedisSite& site,
                                            const UserRecord& record, bool cut, int64_t now);

/// @return whether the first primary has a user of this name.
Result<bool> redis_has_user(SyncRedis& redis, const Keys& keys, const UserRecord& record);

}  // namespace mas::ctl
