// Operators' changes are audited: one entry of `mas.audit.operators` per change, in the transaction that makes it.
//
// A command that changes nothing because nothing is to be changed leaves its record all the same.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/redis/command.h"
#include "proto/wire/keys.h"

namespace mas::ctl {

/// Appends the `XADD` of one record: fields `time` (µs), `who`, `action`, `object`, `detail`, all in this order.
/// @param who see operator_name(). @param action "acl.allow". @param object what was changed: an agent's id, a role.
/// @param detail one line; no secret.
void append_operator_record(redis::Command& command, const Keys& keys, std::string_view who, std::string_view action,
                            std::string_view object, std::string_view detail, WallMicros now = wall_now());

/// @param by what `--by` said; empty: `user@host` of the caller.
/// @return who, fit for a record: one line of at most 256 bytes.
std::string operator_name(const std::string& by);

}  // namespace mas::ctl
