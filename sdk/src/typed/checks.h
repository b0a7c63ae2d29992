// The checks of a field that hold for its value wherever it comes from: JSON or the struct. Pure.
#pragma once

#include <string>
#include <string_view>

#include "sdk/src/typed/schema.h"

namespace mas::sdk {

inline bool length_fits(const mas_field& declared, size_t length) {
  return length >= declared.min_length && (declared.max_length == 0 || length <= declared.max_length);
}

/// In long double, which tells every int64_t and every double from its neighbours.
template <typename Number>
bool range_fits(const mas_field& declared, Number number) {
  if (declared.minimum == 0 && declared.maximum == 0) return true;
  const auto wide = static_cast<long double>(number);
  return wide >= declared.minimum && wide <= declared.maximum;
}

/// @param text one string of the field; the lengths of an array are not its strings'.
inline bool text_fits(const Field& field, std::string_view text) {
  const mas_field& declared = *field.declared;
  if (!field.array() && !length_fits(declared, text.size())) return false;
  if (text.find('\0') != std::string_view::npos) return false;
  if (field.pattern != nullptr && !field.pattern->matches(std::string(text).c_str())) return false;
  if (declared.one_of == nullptr) return true;
  for (const char* const* one = declared.one_of; *one != nullptr; ++one)
    if (text == *one) return true;
  return false;
}

}  // namespace mas::sdk
