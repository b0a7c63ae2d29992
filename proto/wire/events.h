// Events on the channel `mas.system`: what happened to agents and daemons, for whoever listens.
//
// An event is one JSON object with `type` and the members of that type. REGISTER and DEREGISTER are, to the
// byte, what the Python framework publishes. Unknown types and members are to be ignored by readers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace mas {

enum class EventType {
#define MAS_EVENT(name, text, help) name,
#include "proto/wire/events.def"
#undef MAS_EVENT
};

/// @return the wire name, such as "AGENT_INACTIVE".
std::string_view event_text(EventType type);

struct Event {
  EventType type = EventType::kUnknown;
  std::string type_text;                  ///< as it stood on the wire
  std::string agent_id;                   ///< REGISTER, DEREGISTER, INSTANCE_STOPPED, AGENT_*, CIRCUIT_*
  std::vector<std::string> capabilities;  ///< REGISTER
  std::string daemon;                     ///< DAEMON_*: its name, such as "registryd"; ALERT: who raises it
  std::string instance;                   ///< DAEMON_*, AGENT_*
  std::string text;                       ///< ALERT, and why for the others
  double timestamp = 0;                   ///< seconds; 0 where absent (the Python framework sends none)
};

/// Reads leniently: members of the wrong type are taken as absent.
/// @return kMalformed for anything that is not an object with a string `type`; kTooLarge past
/// limits::kEventBytes.
Result<Event> decode_event(std::string_view bytes);

/// The Python framework's bytes: spaces after ',' and ':', everything outside ASCII escaped. Ids and
/// capabilities must be valid UTF-8, here and below.
std::string register_event(std::string_view agent_id, const std::vector<std::string>& capabilities);
std::string deregister_event(std::string_view agent_id);

/// INSTANCE_STOPPED, AGENT_INACTIVE, AGENT_ACTIVE, AGENT_FLAPPING, CIRCUIT_OPENED, CIRCUIT_CLOSED. Here and below, free
/// text is made printable and cut to limits::kEventTextBytes.
std::string agent_event(EventType type, std::string_view agent_id, std::string_view why, WallMicros now);
/// DAEMON_UP, DAEMON_DOWN.
std::string daemon_event(EventType type, std::string_view daemon, std::string_view instance, WallMicros now);
std::string alert_event(std::string_view source, std::string_view text, WallMicros now);

}  // namespace mas
