// Numbers from decimal texts. Pure.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace mas {

/// @return the number that the whole text is: no plus sign, no space, no other base; nullopt for anything else and for
/// a number that the type cannot hold. Floating-point numbers may have an exponent, or be "inf" or "nan".
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// @return the number that the text begins with; 0 where it begins with none.
template <typename Number>
Number leading_number(std::string_view text) {
  static_assert(std::is_integral_v<Number>);
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace mas
