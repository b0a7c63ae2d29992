// Lenient base64: either alphabet, padded or not. For looking into what others wrote; proto/base/base64.h is strict.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas::dlp {

/// @return what a digit of base64 stands for, in either alphabet, 0 to 63; 255 for what is none.
uint32_t base64_value(char digit);

/// Appends what `text` says to `out`. @return false where a character is of neither alphabet, or the length is none.
bool decode_base64(std::string_view text, std::string& out);

/// A user and a password as RFC 7617 and the `auth` of a container registry's login write them: base64 of user, colon,
/// password. @param text at least 8 characters. @return false where it is none; then the outputs are left alone.
bool decode_login(std::string_view text, std::string& ret_user, std::string& ret_password);

}  // namespace mas::dlp
