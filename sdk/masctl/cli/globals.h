// The options that every command takes, and what they mean together with the environment.
#pragma once

#include <optional>
#include <string>

#include "proto/base/result.h"
#include "sdk/masctl/redis/settings.h"

namespace mas::ctl {

/// As given on the command line.
struct Globals {
  std::optional<std::string> redis_url;  ///< none: not given
  std::string ns;
  std::string timeout = "5";  ///< seconds
  bool json = false;
  bool no_color = false;
};

/// As they hold: checked, with the environment's MAS_REDIS_URL and MAS_NAMESPACE behind the flags.
/// @return kInvalidArgument that names the flag or variable that is wrong.
Result<Settings> resolve(const Globals& globals);

}  // namespace mas::ctl
