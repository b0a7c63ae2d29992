// The options that every command takes, and what they mean together with the environment.
#pragma once

#include <optional>
#include <string>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/redis/url.h"
#include "proto/wire/keys.h"

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
struct Settings {
  std::string redis_url;
  std::string ns;
  redis::Endpoint endpoint;
  Keys keys;
  Duration timeout = std::chrono::seconds(5);

  int timeout_ms() const { return static_cast<int>(to_millis(timeout)); }
};

/// @return kInvalidArgument that names the flag or variable that is wrong.
Result<Settings> resolve(const Globals& globals);

}  // namespace mas::ctl
