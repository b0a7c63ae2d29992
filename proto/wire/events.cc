// Events: read through JsonReader, written in the Python framework's form where it has one.
#include "proto/wire/events.h"

#include <cstdint>
#include <optional>

#include "proto/base/ids.h"
#include "proto/base/json_writer.h"
#include "proto/base/numbers.h"
#include "proto/wire/json.h"
#include "proto/wire/limits.h"

namespace mas {
namespace {

struct TypeName {
  EventType type;
  std::string_view text;
};

constexpr TypeName kTypes[] = {
#define MAS_EVENT(name, text, help) {EventType::name, text},
#include "proto/wire/events.def"
#undef MAS_EVENT
};

EventType type_of(std::string_view text) {
  for (const auto& entry : kTypes)
    if (entry.text == text) return entry.type;
  return EventType::kUnknown;
}

/// @param token raw JSON.
void read_string(std::string_view token, std::string& field) {
  if (token.starts_with('"')) field = json_text(token);
}

void read_number(std::string_view token, double& field) {
  if (auto number = parse_number<double>(token)) field = *number;
}

void read_member(Event& event, std::string_view key, std::string_view token) {
  if (key == "type") return read_string(token, event.type_text);
  if (key == "agent_id") return read_string(token, event.agent_id);
  if (key == "daemon") return read_string(token, event.daemon);
  if (key == "instance") return read_string(token, event.instance);
  if (key == "text") return read_string(token, event.text);
  if (key == "timestamp") return read_number(token, event.timestamp);
  if (key != "capabilities") return;
  if (auto strings = JsonReader::local().string_array(token); strings) event.capabilities = std::move(*strings);
}

void append_unit(std::string& out, uint32_t unit) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[unit >> shift & 15]);
}

/// Takes one code point off valid UTF-8.
uint32_t take_code_point(std::string_view& text) {
  auto lead = static_cast<unsigned char>(text[0]);
  size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  uint32_t code_point = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (char c : text.substr(0, size).substr(1)) code_point = code_point << 6 | (static_cast<unsigned char>(c) & 0x3f);
  text.remove_prefix(std::min(size, text.size()));
  return code_point;
}

/// As Python's json.dumps with ensure_ascii: short escapes where JSON has them, \uXXXX outside ' '..'~'.
void append_ascii_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    char c = text[0];
    if (c < ' ' || c > '~') {
      uint32_t code_point = take_code_point(text);
      size_t short_escape = code_point < 0x80 ? std::string_view("\b\f\n\r\t").find(static_cast<char>(code_point))
                                              : std::string_view::npos;
      if (short_escape != std::string_view::npos) {
        out.push_back('\\');
        out.push_back("bfnrt"[short_escape]);
      } else if (code_point >= 0x10000) {
        append_unit(out, 0xd800 + ((code_point - 0x10000) >> 10));
        append_unit(out, 0xdc00 + ((code_point - 0x10000) & 0x3ff));
      } else {
        append_unit(out, code_point);
      }
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
    text.remove_prefix(1);
  }
  out.push_back('"');
}

std::string python_event(EventType type, std::string_view agent_id) {
  std::string out = "{\"type\": ";
  append_ascii_string(out, event_text(type));
  out += ", \"agent_id\": ";
  append_ascii_string(out, agent_id);
  return out;
}

void end_event(JsonWriter& json, std::string& out, WallMicros now) {
  json.key("timestamp").raw({});  // the digits go straight into `out`
  append_seconds(out, now);
  json.end_object();
}

}  // namespace

std::string_view event_text(EventType type) {
  for (const auto& entry : kTypes)
    if (entry.type == type) return entry.text;
  return {};
}

Result<Event> decode_event(std::string_view bytes) {
  if (bytes.size() > limits::kEventBytes)
    return Error{Errc::kTooLarge, "event: " + std::to_string(bytes.size()) + " bytes; expected at most " +
                                      std::to_string(limits::kEventBytes)};
  auto members = JsonReader::local().members(bytes);
  if (!members) return members.error().in("event");
  Event event;
  for (const auto& [key, token] : *members) read_member(event, key, token);
  if (event.type_text.empty()) return Error{Errc::kMalformed, "event: type: expected a string that is not empty"};
  event.type = type_of(event.type_text);
  return event;
}

std::string register_event(std::string_view agent_id, const std::vector<std::string>& capabilities) {
  std::string out = python_event(EventType::kRegister, agent_id);
  out += ", \"capabilities\": [";
  for (size_t i = 0; i < capabilities.size(); ++i) {
    if (i > 0) out += ", ";
    append_ascii_string(out, capabilities[i]);
  }
  out += "]}";
  return out;
}

std::string deregister_event(std::string_view agent_id) { return python_event(EventType::kDeregister, agent_id) + "}"; }

std::string agent_event(EventType type, std::string_view agent_id, std::string_view why, WallMicros now) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("type").string(event_text(type)).key("agent_id").string(agent_id);
  json.key("text").string(printable(why, limits::kEventTextBytes));
  end_event(json, out, now);
  return out;
}

std::string daemon_event(EventType type, std::string_view daemon, std::string_view instance, WallMicros now) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("type").string(event_text(type)).key("daemon").string(daemon);
  json.key("instance").string(instance);
  end_event(json, out, now);
  return out;
}

std::string alert_event(std::string_view source, std::string_view text, WallMicros now) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("type").string(event_text(EventType::kAlert)).key("daemon").string(source);
  json.key("text").string(printable(text, limits::kEventTextBytes));
  end_event(json, out, now);
  return out;
}

}  // namespace mas
