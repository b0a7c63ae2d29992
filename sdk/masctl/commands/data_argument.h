// The payload of a message as the command line gives it: JSON, @FILE, or - for standard input.
#pragma once

#include <string>

#include "proto/base/result.h"

namespace mas::ctl {

/// @return one checked JSON object; "{}" for an empty argument. kInvalidArgument names what is wrong and where it came
/// from, never the payload.
Result<std::string> read_data(const std::string& argument);

}  // namespace mas::ctl
