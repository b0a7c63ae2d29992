// The ACL rules of the Redis users that MAS makes: which commands each may use on which keys and channels.
//
// An agent gets each command only for the keys that libmas uses it on, as full names or tight prefixes. No pattern of
// its covers a key that operators write: `agent:bob:*` would cover `agent:bob:blocked_targets`. Ids are those of
// check_agent_id, which has no characters that Redis's patterns give a meaning to; so are namespaces.
// Failure: none; a record with another id is never made (parse_user_record).
// Threading: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/users/user_record.h"
#include "proto/wire/keys.h"
#include "proto/wire/partitions.h"

namespace mas {

/// What rules depend on beside the user.
struct RedisSite {
  const Keys& keys;
  unsigned partitions = kDefaultPartitions;
  bool selects = false;                      ///< the URL names a database other than 0
  bool sentinel = false;                     ///< clients ask for the server's role
  std::vector<unsigned> other_partitions{};  ///< numbers that agents may go by, too, while it is being changed

  /// The partitions that a sender's frames may go to, each once.
  std::vector<unsigned> partitions_of(std::string_view sender) const;
};

/// The user's name in Redis: the namespace and `user_field()`.
std::string redis_user_name(const Keys& keys, const UserRecord& record);

/// The rules alone: what the user may do. Each element is an argument of ACL SETUSER.
std::vector<std::string> user_permissions(const UserRecord& record, const RedisSite& site);

/// The arguments of ACL SETUSER behind the user's name. They replace all that the user had, in one step.
/// @param now seconds since 1970; the user is good then.
std::vector<std::string> acl_setuser_rules(const UserRecord& record, const RedisSite& site, int64_t now);

}  // namespace mas
