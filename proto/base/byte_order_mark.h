// The mark that some editors put before UTF-8.
#pragma once

#include <string_view>

namespace mas {

/// @return the text of a file that people write, without a byte order mark at its start. Messages may have none (RFC
/// 8259 §8.1).
constexpr std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.substr(text.starts_with(kMark) ? kMark.size() : 0);
}

}  // namespace mas
