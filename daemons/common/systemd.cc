// sd_notify messages.
#include "daemons/common/systemd.h"

#include <systemd/sd-daemon.h>

#include <cinttypes>
#include <string>

#include "proto/base/clock.h"

namespace mas::common {

Systemd::Systemd(uv_loop_t* loop) : watchdog_(loop, [] { sd_notify(0, "WATCHDOG=1"); }) {
  uint64_t micros = 0;
  if (sd_watchdog_enabled(0, &micros) > 0) watchdog_.every(std::chrono::microseconds(micros / 2));
}

void Systemd::ready() { sd_notify(0, "READY=1"); }

void Systemd::reloading() {
  // Type=notify-reload wants the time at which the reload began, by the monotonic clock.
  auto micros = std::chrono::duration_cast<std::chrono::microseconds>(mono_now().time_since_epoch()).count();
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, static_cast<int64_t>(micros));
}

void Systemd::stopping() { sd_notify(0, "STOPPING=1"); }

void Systemd::status(std::string_view text) { sd_notify(0, ("STATUS=" + std::string(text)).c_str()); }

}  // namespace mas::common
