// JSON's grammar, a function per rule.
#include "proto/wire/json_scanner.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "proto/wire/json_string.h"

namespace mas {
namespace {

/// Sixteen bytes that the compiler works on at once, whatever the machine has for it.
using Block = unsigned char __attribute__((vector_size(16)));

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_special(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

/// @return which of the eight bytes at `marks`, one of them not 0, is the first that is not.
size_t first_mark(uint64_t marks) {
  bool little = std::endian::native == std::endian::little;
  return static_cast<size_t>(little ? std::countr_zero(marks) : std::countl_zero(marks)) / 8;
}

/// @return the first byte of a string's body that is not simply a part of it; `end` when there is none.
inline const char* skip_plain(const char* at, const char* end) {
  for (; end - at >= 16; at += 16) {
    Block bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    auto special = (bytes == '"') | (bytes == '\\') | (bytes < 0x20);
    std::array<uint64_t, 2> marks;
    std::memcpy(&marks, &special, sizeof marks);
    if (marks[0] != 0) return at + first_mark(marks[0]);
    if (marks[1] != 0) return at + 8 + first_mark(marks[1]);
  }
  while (at < end && !is_special(*at)) ++at;
  return at;
}

const char* skip_digits(const char* at, const char* end) {
  while (at < end && is_digit(*at)) ++at;
  return at;
}

}  // namespace

JsonScanner::JsonScanner(std::string_view text, std::string& scratch, unsigned max_depth)
    : text_(text), end_(text.data() + text.size()), scratch_(scratch), max_depth_(max_depth) {
  scratch_.clear();
}

/// @param where nullptr: not worth saying.
std::nullptr_t JsonScanner::fail(const char* where, std::string_view what) {
  error_ = Error{Errc::kMalformed, "JSON: "};
  if (where != nullptr) error_.message += "byte " + std::to_string(where - text_.data()) + ": ";
  error_.message += what;
  return nullptr;
}

std::nullptr_t JsonScanner::fail_unclosed() { return fail(nullptr, "an object or array is not closed"); }

const char* JsonScanner::skip_space(const char* at) const {
  while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

bool JsonScanner::document(JsonVisitor* visitor, JsonValue& ret_root) {
  const char* at = skip_space(text_.data());
  if (at == end_) return fail(nullptr, "empty; expected a value") != nullptr;
  at = value(at, 1, visitor, &ret_root);
  return at != nullptr && at_end(at);
}

bool JsonScanner::at_end(const char* at) {
  if (skip_space(at) != end_) fail(nullptr, "more than one value");
  return skip_space(at) == end_;
}

const char* JsonScanner::value(const char* at, unsigned depth, JsonVisitor* visitor, JsonValue* seen) {
  if (at == end_) return fail_unclosed();
  const char* start = at;
  JsonKind kind = JsonKind::kNumber;
  std::string_view text;
  switch (*at) {
    case '{':
      kind = JsonKind::kObject;
      at = object(at, depth, visitor);
      break;
    case '[':
      kind = JsonKind::kArray;
      at = array(at, depth);
      break;
    case '"':
      kind = JsonKind::kString;
      at = string(at, seen == nullptr ? nullptr : &text, "a string with an invalid escape");
      break;
    case 't':
    case 'f':
      kind = JsonKind::kBoolean;
      at = word(at, *at == 't' ? "true" : "false");
      break;
    case 'n':
      kind = JsonKind::kNull;
      at = word(at, "null");
      break;
    default:
      at = number(at);
  }
  if (at != nullptr && seen != nullptr) *seen = {kind, {start, static_cast<size_t>(at - start)}, text};
  return at;
}

const char* JsonScanner::object(const char* at, unsigned depth, JsonVisitor* visitor) {
  if (depth > max_depth_) return fail(at, "nested deeper than " + std::to_string(max_depth_) + " levels");
  at = skip_space(at + 1);
  if (stands(at, '}')) return at + 1;
  for (;; at = skip_space(at + 1)) {
    std::string_view key;
    at = member_key(at, visitor == nullptr ? nullptr : &key);
    if (at == nullptr) return nullptr;
    JsonValue seen;
    JsonVisitor* inside = visitor == nullptr ? nullptr : visitor->inside(key);
    at = value(at, depth + 1, inside, visitor == nullptr ? nullptr : &seen);
    if (at == nullptr) return nullptr;
    if (visitor != nullptr) visitor->member(key, seen);
    at = skip_space(at);
    if (!stands(at, ',')) return close(at, '}');
  }
}

/// A key, the colon and the white space around it. @return where the value begins.
const char* JsonScanner::member_key(const char* at, std::string_view* ret_key) {
  if (at == end_) return fail_unclosed();
  if (*at != '"') return fail(at, "expected a key");
  at = string(at, ret_key, "a key with an invalid escape");
  if (at == nullptr) return nullptr;
  at = skip_space(at);
  return stands(at, ':') ? skip_space(at + 1) : fail(at, "expected a colon");
}

const char* JsonScanner::array(const char* at, unsigned depth) {
  if (depth > max_depth_) return fail(at, "nested deeper than " + std::to_string(max_depth_) + " levels");
  at = skip_space(at + 1);
  if (stands(at, ']')) return at + 1;
  for (;; at = skip_space(at + 1)) {
    at = value(at, depth + 1, nullptr, nullptr);
    if (at == nullptr) return nullptr;
    at = skip_space(at);
    if (!stands(at, ',')) return close(at, ']');
  }
}

const char* JsonScanner::close(const char* at, char bracket) {
  if (stands(at, bracket)) return at + 1;
  return at == end_ ? fail_unclosed() : fail(at, std::string("expected a comma or '") + bracket + "'");
}

bool JsonScanner::strings(std::vector<std::string>& ret_strings) {
  const char* at = skip_space(text_.data());
  if (!stands(at, '[')) return fail(nullptr, "expected an array of strings") != nullptr;
  at = skip_space(at + 1);
  if (stands(at, ']')) return at_end(at + 1);
  for (;; at = skip_space(at + 1)) {
    std::string_view text;
    if (!stands(at, '"')) return fail(at, "expected a string") != nullptr;
    at = string(at, &text, "a string with an invalid escape");
    if (at == nullptr) return false;
    if (text.size() > limits::kCapabilityBytes || ret_strings.size() == limits::kCapabilities) {
      error_ = Error{Errc::kTooLarge, "JSON: expected at most " + std::to_string(limits::kCapabilities) +
                                          " strings of at most " + std::to_string(limits::kCapabilityBytes) + " bytes"};
      return false;
    }
    ret_strings.emplace_back(text);
    at = skip_space(at);
    if (stands(at, ',')) continue;
    at = close(at, ']');
    return at != nullptr && at_end(at);
  }
}

bool JsonScanner::elements(size_t most, std::vector<JsonValue>& ret_elements) {
  return each_element([&](const JsonValue& element) {
    if (ret_elements.size() == most) {
      error_ = Error{Errc::kTooLarge, "JSON: expected at most " + std::to_string(most) + " elements"};
      return false;
    }
    ret_elements.push_back(element);
    return true;
  });
}

/// @param ret_text null: nobody wants it.
const char* JsonScanner::string(const char* at, std::string_view* ret_text, const char* bad_escape) {
  const char* start = at;
  bool escaped = false;
  for (at = skip_plain(at + 1, end_); at != end_ && *at == '\\'; at = skip_plain(at, end_)) {
    escaped = true;
    at += end_ - at < 2 ? 1 : 2;
  }
  if (at == end_) return fail(nullptr, "a string has no closing quote");
  if (*at != '"') return fail(at, "a control character stands in a string without being escaped");
  std::string_view body(start + 1, static_cast<size_t>(at - start - 1));
  if (escaped && !json_escapes_are_valid(body)) return fail(start, bad_escape);
  if (ret_text != nullptr) *ret_text = escaped ? unescaped(body) : body;
  return at + 1;
}

std::string_view JsonScanner::unescaped(std::string_view body) {
  if (scratch_.capacity() < text_.size()) scratch_.reserve(text_.size());
  size_t start = scratch_.size();
  append_unescaped(scratch_, body);
  return std::string_view(scratch_).substr(start);
}

/// RFC 8259 §6, any number of digits.
const char* JsonScanner::number(const char* at) {
  const char* start = at;
  if (stands(at, '-')) ++at;
  const char* digits = at;
  at = skip_digits(at, end_);
  bool valid = at > digits && (*digits != '0' || at == digits + 1);
  if (valid && stands(at, '.')) {
    digits = at + 1;
    at = skip_digits(digits, end_);
    valid = at > digits;
  }
  if (valid && (stands(at, 'e') || stands(at, 'E'))) {
    digits = at + 1;
    if (stands(digits, '+') || stands(digits, '-')) ++digits;
    at = skip_digits(digits, end_);
    valid = at > digits;
  }
  return valid ? at : fail(start, "expected a value");
}

const char* JsonScanner::word(const char* at, std::string_view expected) {
  if (!std::string_view(at, static_cast<size_t>(end_ - at)).starts_with(expected)) return fail(at, "expected a value");
  return at + expected.size();
}

}  // namespace mas
