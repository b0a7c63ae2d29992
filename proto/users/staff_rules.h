// What the users of daemons and of operators may do. The rules of agents: user_rules.h.
//
// Daemons run scripts, and Redis asks for read and write rights to the keys that a script names, whatever it does with
// them. So EVAL is granted for all keys of a daemon, and every command, also one inside a script, only for the keys
// that it may read or write.
// Threading: pure.
#pragma once

#include <string>
#include <vector>

#include "proto/users/user_record.h"
#include "proto/wire/keys.h"

namespace mas {

/// @param role any but kAgent.
std::vector<std::string> staff_permissions(UserRole role, const Keys& keys);

}  // namespace mas
