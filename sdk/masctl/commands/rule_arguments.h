// What `acl`, `role` and `limit` share: arguments checked, sets changed, changes told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/json_writer.h"
#include "proto/redis/command.h"
#include "sdk/masctl/cli/output.h"

namespace mas::ctl {

/// @return kInvalidArgument unless `text` can stand in a list of targets for agents of ours: an id, a prefix with `*` at
/// its end, or `*`.
Status check_target_argument(std::string_view text);

/// @return `verb key member…`.
redis::Command set_command(const std::string& verb, const std::string& key, const std::vector<std::string>& members);

/// @return the words with a space between them, for an audit record; cut where it gets long.
std::string joined_words(const std::vector<std::string>& words);

/// Prints how many members came or went; JSON: {"changed":N}. @return kOk.
ExitCode print_changed(Output& out, size_t changed);

/// Writes `"name":[…]`.
void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts);

}  // namespace mas::ctl
