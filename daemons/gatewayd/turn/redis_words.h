// What single replies of Redis mean to the turn loop. Threading: none.
#pragma once

#include <string_view>

namespace mas::gateway {

/// @return whether an error of Redis is about what the key holds, and not about Redis (out of memory, read only, …).
inline bool is_the_keys(std::string_view error) { return error.starts_with("WRONGTYPE ") || error.starts_with("ERR "); }

}  // namespace mas::gateway
