// What the daemon tells systemd: ready, reloading, stopping, status, watchdog (sd_notify(3)); nothing elsewhere.
#pragma once

#include <uv.h>

#include <string_view>

#include "proto/redis/loop.h"

namespace mas::common {

class Systemd {
 public:
  /// Keeps the watchdog fed from `loop` at half its period, if there is one: a loop that hangs is killed.
  explicit Systemd(uv_loop_t* loop);

  void ready();
  void reloading();
  void stopping();
  /// One line for `systemctl status`.
  void status(std::string_view text);

 private:
  redis::Timer watchdog_;
};

}  // namespace mas::common
