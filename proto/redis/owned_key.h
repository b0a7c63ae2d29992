// Scripts for a key that holds its owner's name and ends by itself: a lease, a marker. Only the owner changes it.
#pragma once

#include <string_view>

namespace mas::redis {

/// KEYS: the key. ARGV: the owner, milliseconds to live from now on. @return 1, or 0 where it is another's or gone.
inline constexpr std::string_view kExtendOwned =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0";
/// KEYS: the key. ARGV: the owner. @return as above.
inline constexpr std::string_view kDeleteOwned =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

}  // namespace mas::redis
