// Reading JSON from outside: strict checks and raw tokens, by simdjson's on-demand parser; never a DOM.
//
// Strict means RFC 8259 with this system's limits: valid UTF-8, no lone surrogate in an escape, nesting at most
// limits::kJsonDepth, nothing after the value. Integers may have any number of digits. Linear time, and memory
// proportional to the input, for any input.
// Threading: one reader per thread; `JsonReader::local()` is the calling thread's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/result.h"

namespace mas {

/// Bytes that must be readable (their value does not matter) behind a buffer that is parsed in place.
inline constexpr size_t kJsonPadding = 64;

class JsonReader {
 public:
  JsonReader();
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  static JsonReader& local();

  /// Checks that `text` is exactly one JSON object. @return the object without surrounding white space, a view into
  /// `text`; or kMalformed with what is wrong.
  Result<std::string_view> check_object(std::string_view text);

  /// The same for any one JSON value.
  Result<std::string_view> check_value(std::string_view text);

  /// Reads a flat array of strings (an agent's capabilities), unescaped.
  /// @return kMalformed unless it is an array of strings; kTooLarge past the limits of limits.h.
  Result<std::vector<std::string>> string_array(std::string_view text);

  /// Reads an object's members: unescaped key → raw JSON token. Later duplicates replace earlier ones.
  Result<std::vector<std::pair<std::string, std::string>>> members(std::string_view text);

 private:
  friend class EnvelopeDecoder;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// @return the text of a raw JSON string token, or the token itself when it is not a string.
std::string json_text(std::string_view raw_token);

}  // namespace mas
