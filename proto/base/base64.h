// Base64 of RFC 4648. Url-safe without padding (§5): how tokens, keys and sealed secrets are written as text. With
// padding (§4): how an application's bytes stand in JSON.
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

std::string base64(std::string_view bytes);
/// Strict, as from_base64url(): all padding, no white space.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace mas
