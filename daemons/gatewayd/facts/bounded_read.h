// Reads of keys that others write, with a bound: a larger value is answered by an error, and its content is not read.
//
// The answer is that of HMGET, HGETALL or SMEMBERS, or the error `TOOLARGE …` with what is too large.
// Pure: appends commands. Threading: none.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "proto/redis/command.h"

namespace mas::gateway {

/// HMGET. @param most bytes of each field.
void append_bounded_fields(redis::Command& command, std::string_view key, size_t most,
                           std::initializer_list<std::string_view> fields);
/// HGETALL of at most limits::kAclEntries fields. @param most bytes that the key takes in Redis's memory, about.
void append_bounded_hash(redis::Command& command, std::string_view key, size_t most);
/// SMEMBERS of at most limits::kAclEntries members. @param most as above.
void append_bounded_set(redis::Command& command, std::string_view key, size_t most);

}  // namespace mas::gateway
