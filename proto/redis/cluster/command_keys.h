// Which keys a command names, read from its RESP: what a cluster routes it by. Pure; threading: none.
//
// Happy path: split_command() takes the first command off a run's bytes; slot_of_command() tells its slot. The table
// of the commands that MAS sends is in command_keys.cc; it says where each one's keys stand.
// Failure modes (all of them faults of the caller): kInvalidArgument for a command that the table does not have, and
// for keys of several slots; the message names the command, never a key or an argument.
#pragma once

#include <optional>
#include <string_view>

#include "proto/base/result.h"

namespace mas::redis {

/// Takes the first command off `bytes`, commands in RESP as Command writes them. @return its bytes; empty: there is
/// none, or it has another form.
std::string_view split_command(std::string_view& bytes);

/// @param command the bytes of one. @return its slot; nullopt: it names no key, and any node may run it.
Result<std::optional<unsigned>> slot_of_command(std::string_view command);

/// @param bytes of a run of `count` commands. @return the slot that all of its keys have; nullopt: it names no key.
Result<std::optional<unsigned>> slot_of_run(std::string_view bytes, size_t count);

}  // namespace mas::redis
