// Parses and checks a JSON text in one pass: RFC 8259, with bounded nesting. JsonReader is built on it.
//
// Happy path: a caller makes a scanner for a text that is valid UTF-8 and asks for its one value; members of objects
// are passed to a JsonVisitor if there is one. Strings are scanned sixteen bytes at a time, everything else byte by
// byte; no byte outside the text is read.
// Failure: false, and error() says what was expected and at which byte. Linear time; the stack is bounded by max_depth.
// Ownership: views point into the text, or, where an escape had to be undone, into `scratch`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/wire/json.h"

namespace mas {

class JsonScanner {
 public:
  /// @param text valid UTF-8.
  /// @param scratch takes what has to be unescaped: never more bytes than `text` has, since each string is unescaped at
  /// most once; so it does not move while views of it are held.
  JsonScanner(std::string_view text, std::string& scratch, unsigned max_depth);

  /// The text is one value, perhaps between white space. @param visitor hears of its members, if it is an object.
  bool document(JsonVisitor* visitor, JsonValue& ret_root);
  /// The text begins with one value, without white space before it.
  bool leading_value(JsonValue& ret_value) { return value(text_.data(), 1, nullptr, &ret_value) != nullptr; }
  /// The text is an array of strings; @param ret_strings may be appended to although the scan fails.
  bool strings(std::vector<std::string>& ret_strings);
  /// The text is an array. @param visit called with each of its values; @return false ends the scan.
  /// @return false, and no error, where `visit` ended it.
  template <typename Visit>
  bool each_element(Visit&& visit) {
    const char* at = skip_space(text_.data());
    if (!stands(at, '[')) return fail(nullptr, "expected an array") != nullptr;
    at = skip_space(at + 1);
    if (stands(at, ']')) return at_end(at + 1);
    for (;; at = skip_space(at + 1)) {
      JsonValue element;
      at = value(at, 2, nullptr, &element);
      if (at == nullptr || !visit(element)) return false;
      at = skip_space(at);
      if (stands(at, ',')) continue;
      at = close(at, ']');
      return at != nullptr && at_end(at);
    }
  }
  /// The text is an array of at most `most` values; @param ret_elements as ret_strings.
  bool elements(size_t most, std::vector<JsonValue>& ret_elements);

  const Error& error() const { return error_; }

 private:
  // Each rule takes where it begins and returns where it ends; nullptr after fail().
  const char* value(const char* at, unsigned depth, JsonVisitor* visitor, JsonValue* seen);
  const char* object(const char* at, unsigned depth, JsonVisitor* visitor);
  const char* array(const char* at, unsigned depth);
  const char* member_key(const char* at, std::string_view* ret_key);
  const char* string(const char* at, std::string_view* ret_text, const char* bad_escape);
  const char* number(const char* at);
  const char* word(const char* at, std::string_view expected);
  const char* close(const char* at, char bracket);

  const char* skip_space(const char* at) const;
  bool stands(const char* at, char expected) const { return at != end_ && *at == expected; }
  bool at_end(const char* at);
  std::string_view unescaped(std::string_view body);
  std::nullptr_t fail(const char* where, std::string_view what);
  std::nullptr_t fail_unclosed();

  const std::string_view text_;
  const char* const end_;
  std::string& scratch_;
  const unsigned max_depth_;
  Error error_{Errc::kInternal, {}};
};

}  // namespace mas
