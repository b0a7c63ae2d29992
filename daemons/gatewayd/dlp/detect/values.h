// Values as they stand in text and in strings: where one ends, what is none, dates.
//
// Pure, no allocation; linear in what they are given.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "daemons/gatewayd/dlp/document.h"

namespace mas::dlp {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_letter(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_alnum(char c) { return is_letter(c) || is_digit(c); }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_hex_digit(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
constexpr bool is_high(char c) { return (c & 0x80) != 0; }  ///< part of a character beyond ASCII
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c | 0x20) : c; }
constexpr char to_upper(char c) { return is_lower(c) ? static_cast<char>(c & ~0x20) : c; }

/// Without regard to the case of ASCII letters. @param lower in lower case.
bool equals_word(std::string_view text, std::string_view lower);
bool contains_word(std::string_view text, std::string_view lower);
bool equals_any(std::string_view text, std::span<const std::string_view> lower);
bool equals_any(std::string_view text, std::initializer_list<std::string_view> lower);

std::string_view trim(std::string_view text);
size_t count_digits(std::string_view text);

/// How a value is tied to the word before it.
enum class Link : uint8_t {
  kNone,  ///< there is no value
  kNext,  ///< it stands behind it, perhaps after "number" or "no."
  kVerb,  ///< "is", "was", "->"
  kSign,  ///< ":" or "="
};
struct Value {
  Span span;
  Link link = Link::kNone;
  bool quoted = false;
};
/// @param from the end of a word; what may stand between it and its value is bounded.
/// @param plain bytes that end no value, as known from the calls before for the same text; at first none. Values that
/// many words have in common are so read once.
/// @return the value up to white space, a quote, or a character that ends one in URLs and lists.
Value value_after(std::string_view text, uint32_t from, Span& plain);

/// The first byte of the punctuation and letters of Chinese, Japanese and Korean, and of « and »: they end a value.
bool is_native_stop(char c);

bool is_uuid(std::string_view value);

/// @return bytes of the date that `text` begins with; 0 where there is none. Forms: 1980-03-05, 03/05/1980, 5.3.80,
/// 19800305, March 5, 1980, 5 Mar 1980; a time may follow and is not counted.
size_t date_at(std::string_view text);

}  // namespace mas::dlp
