// Which Redis, which namespace, how long to wait: what the command line and the environment say, checked.
#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/redis/url.h"
#include "proto/wire/keys.h"

namespace mas::ctl {

struct Settings {
  std::string redis_url;
  std::string ns;
  redis::Endpoint endpoint;
  Keys keys;
  Duration timeout = std::chrono::seconds(5);

  int timeout_ms() const { return static_cast<int>(to_millis(timeout)); }
};

}  // namespace mas::ctl
