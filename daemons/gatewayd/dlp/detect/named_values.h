// Values that are what their key or the words before them say: what such a value must look like.
//
// One function per kind: given the bytes where a value begins and ends, what part of it is the value, if it is one.
// Pure; linear in the value, of which at most some hundred bytes are looked at.
#pragma once

#include <optional>
#include <string_view>

#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {

/// How a value was found: what counts as one differs.
enum class Named : uint8_t {
  kByKey,     ///< the whole of a string or number under a key that says so
  kInObject,  ///< the same, but what says so is the object around it
  kBySign,    ///< "password: …", "pwd=…"
  kByVerb,    ///< "password is …"
  kByWord,    ///< "password …"
};

bool is_password(std::string_view value, Named how, bool number);
/// @param lax the key names an API key outright, so that nothing but a placeholder speaks against it.
bool is_api_key(std::string_view value, Named how);
bool is_generic_secret(std::string_view value);
/// Discord's documentation: the id of the bot, a time, and a code, each in base64.
bool is_discord_token(std::string_view value);
/// Forty characters of base64, as AWS makes them.
bool is_aws_secret(std::string_view value);

/// @return how many bytes at the start of `value` are the number; 0: it is none.
size_t record_number(std::string_view value);
size_t insurance_number(std::string_view value);
size_t passport_number(std::string_view value);
size_t license_number(std::string_view value);
size_t account_number(std::string_view value);
size_t verification_code(std::string_view value);

}  // namespace mas::dlp
