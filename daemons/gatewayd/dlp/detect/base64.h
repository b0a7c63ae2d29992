// Lenient base64: either alphabet, padded or not. For looking into what others wrote; proto/base/base64.h is strict.
#pragma once

#include <string>
#include <string_view>

namespace mas::dlp {

/// Appends what `text` says to `out`. @return false where a character is of neither alphabet, or the length is none.
bool decode_base64(std::string_view text, std::string& out);

}  // namespace mas::dlp
