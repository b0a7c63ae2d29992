// The file of `masctl enroll --from`: many users, each with what the command line says for one.
//
//   [[user]]
//   id = "planner"
//   mode = "gateway"              # gateway, p2p or both (default)
//   capabilities = ["plan:*"]     # default: all
//   ttl = "30d"                   # default: for ever
//   role = "agent"                # the default
//   discover = true               # the default
//
// Failure: kInvalidArgument with file, line and field, and what was expected. An id twice is refused.
// Threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/masctl/users/plan.h"

namespace mas::ctl {

/// @param file its name, for errors.
Result<std::vector<EnrolmentWish>> parse_bulk_file(std::string_view text, const std::string& file);

}  // namespace mas::ctl
