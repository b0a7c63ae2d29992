// A file of the command line, or standard input, as a whole.
//
// Failure: kInvalidArgument that names the file and what was expected in it. Threading: none.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace mas::ctl {

/// @param name a path; "-" is standard input. @param most bytes that are read. @param expected "a message's envelope"
Result<std::string> read_input(const std::string& name, size_t most, std::string_view expected);

/// @return a path also for a name without '/', which elsewhere is a systemd credential (proto/base/secret_file.h).
std::string path_of(const std::string& file);

}  // namespace mas::ctl
