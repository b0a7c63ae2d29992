// Url-safe base64 without padding (RFC 4648 §5): how tokens, keys and sealed secrets are written as text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mas {

std::string base64url(std::span<const unsigned char> bytes);
std::string base64url(std::string_view bytes);

/// Strict, so that bytes have one text: no padding, no white space, no left-over bits.
/// @return nullopt for anything that base64url() does not write.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace mas
