// What a value looks like to a reader who does not know its name: a path, a reference, a word, or a credential.
//
// A name such as `api_token` or `password` says what a value is for. What stands there may still be the name of a
// variable, a file, a word of prose or a placeholder. These functions tell those from credentials.
// Pure, no allocation; linear in the value.
#pragma once

#include <cstdint>
#include <string_view>

namespace mas::dlp {

/// How many of these a value has: small letters, capitals, digits, other characters.
unsigned character_classes(std::string_view value);

/// `/home/user/x`, `./key.pem`, `~/.ssh/id_rsa`, `C:\Users\x`, `s3://…`: segments that are words.
bool is_path(std::string_view value);
/// Begins as an absolute or relative path does, whatever follows: enough for the value of `PWD`.
bool begins_as_path(std::string_view value);
/// `server.key`, `id_rsa_2.pub`: a word with an ending of a few letters.
bool is_file_name(std::string_view value);
/// `v1.2.3-rc1`, `2.0`, `10.4.1+build5`.
bool is_version(std::string_view value);
/// Words and short numbers joined by punctuation or case: `order_12345`, `UUIDv7`, `my-db-2`, `settings.API_KEY`.
bool is_slug(std::string_view value);
/// Names where the value is kept, and is not it: `$DB_PASS`, `process.env.X`, `OPENAI_API_KEY`, `secretRef.name`.
bool is_reference(std::string_view value);
/// A call or a schema's type: `getpass.getpass(`, `VARCHAR(255`, `!vault`.
bool is_code(std::string_view value);
/// A number of ordinary size: a count, a port, a time in milliseconds.
bool is_plain_number(std::string_view value);

/// `base64`, `sha256`, `oauth2`: names of algorithms, encodings and protocols that end in digits.
bool is_technical_word(std::string_view value);

/// Names that Kubernetes and clouds complete with random letters: `default-token-x7k2p`, `web-7d9c6b8f5-x2k4j`.
bool is_resource_name(std::string_view value);

/// What may be a credential where its name says outright that one stands there: no reference, path, word or number.
/// A UUID and a word with digits may.
bool may_be_credential(std::string_view value);
/// Looks made by a machine: long, letters and digits, disorder; no UUID, date, version, path or slug.
bool is_generated(std::string_view value);
/// Looks made up as a password, so that weak words before it are enough: three kinds of characters or a generated
/// value, and none of the above.
bool is_strong_password(std::string_view value);

}  // namespace mas::dlp
