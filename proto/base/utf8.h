// UTF-8 as RFC 3629 defines it.
#pragma once

#include <string_view>

namespace mas {

/// @return whether `text` is well-formed UTF-8: no overlong form, no surrogate, nothing past U+10FFFF.
/// Linear.
bool is_valid_utf8(std::string_view text);

}  // namespace mas
