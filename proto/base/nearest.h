// The name that a misspelt one was probably meant to be. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mas {

/// @return the one of `names` that `name` was probably meant to be; empty if none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace mas
