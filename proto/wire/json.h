// Reading JSON from outside: strict checks and raw tokens in one pass; never a DOM.
//
// Strict means RFC 8259 with this system's limits: valid UTF-8, no lone surrogate in an escape, nesting at most
// limits::kJsonDepth, nothing after the value. Integers may have any number of digits. Linear time, and memory
// proportional to the input, for any input.
// Failure: kMalformed, kTooLarge past limits::kMaxEnvelopeBytes, kNoMemory; the sentence says what was expected and at
// which byte, never the content.
// Threading: one reader per thread; `JsonReader::local()` is the calling thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/limits.h"

namespace mas {

enum class JsonKind : uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

/// One value, with its bytes in the text.
struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  std::string_view token;  ///< raw bytes, without surrounding white space
  std::string_view text;   ///< kString: unescaped
};

/// Called for an object's members in the order of the text. At that time the rest of the text is not yet checked:
/// act on the members only after JsonReader::visit returned ok.
class JsonVisitor {
 public:
  /// @param key unescaped; like the value's views, valid until the reader's next call.
  virtual void member(std::string_view key, const JsonValue& value) = 0;

  /// Called before the value of `key` is read. @return the visitor of its members, if it is an object; nullptr: they
  /// are not visited.
  virtual JsonVisitor* inside(std::string_view key) { return (void)key, nullptr; }

 protected:
  ~JsonVisitor() = default;
};

class JsonReader {
 public:
  JsonReader() = default;
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  static JsonReader& local();

  /// Checks that `text` is exactly one JSON object. @return the object without surrounding white space, a
  /// view into `text`; or kMalformed with what is wrong.
  Result<std::string_view> check_object(std::string_view text);

  /// Checks the JSON object that `text` begins with, and that all of `text` is UTF-8. @return that object.
  Result<std::string_view> leading_object(std::string_view text);

  /// As check_object, for any one JSON value.
  Result<std::string_view> check_value(std::string_view text);

  /// Reads a flat array of strings (an agent's capabilities), unescaped.
  /// @return kMalformed unless it is an array of strings; kTooLarge past the limits of limits.h.
  Result<std::vector<std::string>> string_array(std::string_view text);

  /// Reads any one JSON value. Its views are valid until the reader's next call.
  Result<JsonValue> value(std::string_view text);

  /// Takes an array apart. The elements' views are valid until the reader's next call.
  /// @return kTooLarge past `most` elements.
  Result<std::vector<JsonValue>> elements(std::string_view text, size_t most);

  /// Reads an object's members: unescaped key → raw JSON token. Later duplicates replace earlier ones.
  Result<std::vector<std::pair<std::string, std::string>>> members(std::string_view text);

  /// Checks that `text` is exactly one JSON object and tells `visitor` its members. Allocates nothing once
  /// the reader has seen a text of that size.
  /// @param max_depth nesting that is allowed, the outermost object included.
  Status visit(std::string_view text, JsonVisitor& visitor, unsigned max_depth = limits::kJsonDepth);

 private:
  Status admit(std::string_view text);
  Result<JsonValue> read(std::string_view text, JsonVisitor* visitor, unsigned max_depth);

  std::string scratch_;  // unescaped texts of the last call
};

/// @return the text of a raw JSON string token, or the token itself when it is not a string.
std::string json_text(std::string_view raw_token);

}  // namespace mas
