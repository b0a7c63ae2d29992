// Unicode to the ASCII that people read in it: other scripts' digits, wide and mathematical letters, dashes, spaces,
// letters that look like Latin ones; what has no width is nothing.
//
// Sources: Unicode 15 general categories Nd, Pd, Zs and Cf; Unicode TR 39 (confusables) for the letters.
// Pure, no state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas::dlp {

struct CodePoint {
  uint32_t value = 0;
  uint32_t size = 0;  ///< bytes; 0: what stands there is no UTF-8
};

/// @param text not empty.
CodePoint code_point(std::string_view text);

inline constexpr char kNothing = '\0';
inline constexpr char kAsItIs = '\1';
/// @return the ASCII character that `code_point` is read as; kNothing where it has no width; kAsItIs for any other.
char folded(uint32_t code_point);

/// Whether any byte is not ASCII.
bool has_high_bytes(std::string_view text);
/// @return where the first byte from `from` on stands that is not ASCII; text.size() for nowhere.
uint32_t find_high_byte(std::string_view text, uint32_t from);
/// Whether anything in the text reads differently when folded.
bool needs_folding(std::string_view text);
/// The folded text.
std::string fold_text(std::string_view text);

}  // namespace mas::dlp
