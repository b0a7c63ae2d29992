// Reads fields of many hashes, sizes before contents, since any value may have up to 512 MiB.
//
// Happy path: add_hash_reads() appends scripts to a batch; the reply of each is an array with one element for each of
// its keys, which hash_seen() takes apart. A script checks the sizes and reads in one step, so that
// no small value can be replaced by a large one in between.
// Failure modes:
// - a key that is not a hash: it counts as absent;
// - a field over its bound: the sizes of the fields, and no value;
// - an error of Redis is the reply of the whole script.
// Threading: none. Ownership: the texts of a HashSeen live as long as the reply.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/command.h"
#include "proto/redis/reply.h"

namespace mas::redis {

/// Bounds how long one script holds up Redis.
inline constexpr size_t kHashesPerScript = 32;
/// Where each hash may be in another slot of a cluster.
inline constexpr size_t kHashesPerScriptOnCluster = 1;

/// @return how many scripts read `hashes` hashes.
constexpr size_t hash_scripts(size_t hashes, size_t per_script = kHashesPerScript) {
  return (hashes + per_script - 1) / per_script;
}

/// Appends hash_scripts(keys.size(), per_script) commands. @param bounds bytes up to which a field is read, one per
/// field.
void add_hash_reads(Command& batch, std::span<const std::string> keys, std::span<const std::string_view> fields,
                    std::span<const size_t> bounds, size_t per_script = kHashesPerScript);

struct HashSeen {
  std::vector<std::optional<std::string_view>> values;  ///< one per field; empty: no hash, or a field is too large
  std::vector<int64_t> sizes;                           ///< one per field where one is too large
};

/// @param reply one element of a script's reply.
HashSeen hash_seen(const Reply& reply);

}  // namespace mas::redis
