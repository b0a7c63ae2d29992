// What commands that change something share: arguments checked, sets changed, changes told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/redis/command.h"
#include "sdk/masctl/cli/command.h"
#include "sdk/masctl/cli/document.h"

namespace mas::ctl {

/// Adds the option `--by WHO` to a command that changes something.
void add_by_option(Command& command, std::string& by);

/// @return kInvalidArgument unless `text` can stand in a list of targets for agents of ours: an id, a prefix with `*`
/// at its end, or `*`.
Status check_target_argument(std::string_view text);

/// @return `verb key member…`.
redis::Command set_command(const std::string& verb, const std::string& key, const std::vector<std::string>& members);

/// @return the words with a space between them, for an audit record; cut where it gets long.
std::string joined_words(const std::vector<std::string>& words);

/// How many members came or went; JSON: {"changed":N}.
Document changed_document(size_t changed);

}  // namespace mas::ctl
