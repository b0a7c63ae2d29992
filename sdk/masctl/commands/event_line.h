// An event as a line for people. Pure.
#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/wire/events.h"

namespace mas::ctl {

/// @param now stands in for the time of events that carry none.
/// @return "2026-11-21T05:21:37Z  REGISTER  alice  chat, sum", foreign text made visible.
std::string event_line(const Event& event, WallMicros now);

/// @return "2026-11-21T05:21:37Z" of seconds since 1970.
std::string utc_seconds(double seconds);

}  // namespace mas::ctl
