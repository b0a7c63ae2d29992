// Writes JSON (RFC 8259) by appending to a string: no DOM, no allocation of its own.
//
//   JsonWriter w(out);
//   w.begin_object().key("id").string("alice").key("n").integer(3).end_object();
//
// The writer puts the commas; balance and key/value order are the caller's. Strings must be valid UTF-8
// (checked by the caller where they come from outside). Threading: none; one writer, one string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas {

/// Appends `text` as a JSON string with its quotes. Escapes what RFC 8259 §7 requires, nothing else.
void append_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& integer(int64_t value);
  JsonWriter& unsigned_integer(uint64_t value);
  /// Shortest decimal that reads back as the same double; null for NaN and infinities, which JSON cannot express.
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  /// Appends bytes that are already one valid JSON value.
  JsonWriter& raw(std::string_view json);

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string& out_;
  bool comma_ = false;
};

}  // namespace mas
