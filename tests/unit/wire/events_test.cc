// Events: lenient reading, and what each writer writes.
#include "proto/wire/events.h"

#include "proto/wire/limits.h"
#include "tests/unit/catch.h"

using namespace mas;

TEST_CASE("events of every type come back as they were written") {
  constexpr WallMicros kNow = 1'795'350'097'250'000;
  for (EventType type :
       {EventType::kInstanceStopped, EventType::kAgentInactive, EventType::kAgentActive, EventType::kAgentFlapping}) {
    auto event = decode_event(agent_event(type, "maße", "no beat for 60 s", kNow));
    REQUIRE(event.ok());
    CHECK(event->type == type);
    CHECK(event->type_text == event_text(type));
    CHECK(event->agent_id == "maße");
    CHECK(event->text == "no beat for 60 s");
    CHECK(event->timestamp == 1795350097.25);
  }
  for (EventType type : {EventType::kDaemonUp, EventType::kDaemonDown}) {
    auto event = decode_event(daemon_event(type, "registryd", "00ff", kNow));
    REQUIRE(event.ok());
    CHECK(event->type == type);
    CHECK(event->daemon == "registryd");
    CHECK(event->instance == "00ff");
  }
  auto alert = decode_event(alert_event("healthd", "line\none\xff " + std::string(5000, 'x'), kNow));
  REQUIRE(alert.ok());
  CHECK(alert->type == EventType::kAlert);
  CHECK(alert->daemon == "healthd");
  CHECK(alert->text.starts_with("line?one? xxx"));
  CHECK(alert->text.size() < limits::kEventTextBytes + 8);
}

TEST_CASE("Python's ASCII form of a text, to the byte") {
  CHECK(deregister_event("a\"\\\b\f\n\r\t\x01\x1f ~\x7f") ==
        "{\"type\": \"DEREGISTER\", \"agent_id\": \"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f ~\\u007f\"}");
  CHECK(register_event("é€😀\U0010ffff", {"/", "ﬀ"}) ==
        "{\"type\": \"REGISTER\", \"agent_id\": \"\\u00e9\\u20ac\\ud83d\\ude00\\udbff\\udfff\", "
        "\"capabilities\": [\"/\", \"\\ufb00\"]}");
  CHECK(register_event("a", {}) == "{\"type\": \"REGISTER\", \"agent_id\": \"a\", \"capabilities\": []}");
}

TEST_CASE("unknown types and members are no error, wrong members count as absent") {
  auto event =
      decode_event(R"({"type":"NEW_THING","x":{"y":1},"agent_id":7,"capabilities":["a",1],"timestamp":"now"})");
  REQUIRE(event.ok());
  CHECK(event->type == EventType::kUnknown);
  CHECK(event->type_text == "NEW_THING");
  CHECK(event->agent_id.empty());
  CHECK(event->capabilities.empty());
  CHECK(event->timestamp == 0);
  event = decode_event(R"({"agent_id":"x","agent_id":"a\u0062","capabilities":["c"],"type":"REGISTER"})");
  REQUIRE(event.ok());
  CHECK(event->agent_id == "ab");
  CHECK(event->capabilities == std::vector<std::string>{"c"});
}

TEST_CASE("what is no event is refused") {
  for (const char* bytes : {"", "[]", "\"REGISTER\"", "{}", R"({"type":1})", R"({"type":""})", R"({"type":"REGISTER")",
                            "{\"type\":\"\xff\"}", R"({"type":"REGISTER"} x)"}) {
    INFO(bytes);
    auto event = decode_event(bytes);
    REQUIRE_FALSE(event.ok());
    CHECK(event.error().code == Errc::kMalformed);
    CHECK(event.error().message.starts_with("event: "));
  }
  std::string large = R"({"type":"REGISTER","x":")" + std::string(limits::kEventBytes, 'x') + "\"}";
  CHECK(decode_event(large).error().code == Errc::kTooLarge);
}
