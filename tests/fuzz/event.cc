// Events: reading never fails on an object with a type, and the Python form of what was read is read the same.
#include "proto/wire/events.h"

#include "proto/wire/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/reference_json.h"

using namespace mas;
using namespace mas::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto bytes = text_of(data, size);
  auto event = decode_event(bytes);
  if (!event) return 0;
  require(ReferenceJson::accepts(bytes, limits::kJsonDepth), "an event is JSON");
  require(event->type == EventType::kUnknown || event_text(event->type) == event->type_text, "a known type is named");

  std::string python = register_event(event->agent_id, event->capabilities);
  if (python.size() > limits::kEventBytes) return 0;
  auto again = decode_event(python);
  require(again.ok(), "what was read can be written");
  require(again->agent_id == event->agent_id && again->capabilities == event->capabilities, "and is read the same");
  auto alert = decode_event(alert_event("fuzz", bytes, 0));
  require(alert.ok(), "any text makes an alert");
  return 0;
}
