// The detectors behind the literals of secrets: each looks at what stands around a place where its literal was found.
//
// Every one looks at a constant number of bytes, or stops where the next literal of its own begins, so that a text that
// consists of literals costs no more than its length. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemons/gatewayd/dlp/detect/detect.h"
#include "daemons/gatewayd/dlp/detect/values.h"

namespace mas::dlp {

// ---- What they share (literal_detectors.cc)

/// Whether a word may begin at `at`: no letter or digit stands before it, but for the letter of a written escape
/// (`\n`).
bool starts_word(const Sight& sight, uint32_t at);
/// @param belongs says of a character whether it goes on. @return the end, at most `most` bytes further.
template <typename Belongs>
uint32_t run_while(const Sight& sight, uint32_t from, uint32_t most, Belongs belongs) {
  uint32_t end = from;
  while (end - from < most && belongs(sight.at(end))) ++end;
  return end;
}
constexpr bool is_url_safe(char c) { return is_alnum(c) || c == '-' || c == '_'; }
/// Of a token in a header: base64 in either alphabet, and dots (RFC 6750 §2.1).
constexpr bool is_token_character(char c) {
  return is_url_safe(c) || c == '.' || c == '=' || c == '/' || c == '+' || c == '%' || c == '~';
}
/// Letters and digits as a generator makes them: no word, no number, no name of a file.
bool is_random(std::string_view value, size_t shortest);

// ---- Vendors' tokens (tokens.cc)

/// @param row of the table in tokens.def.
void token_at(Sight& sight, uint16_t row, Span literal);
/// The same, of the rows that have their fixed text within.
void infix_token_at(Sight& sight, uint16_t row, Span literal);
/// Whether a vendor's token is the whole text: it is told by itself.
bool is_token(std::string_view text);
void append_token_literals(std::vector<Literal>& all);

// ---- URLs and connection strings (urls.cc)

void url_at(Sight& sight, Span literal);
void jdbc_at(Sight& sight, Span literal);
void easy_connect_at(Sight& sight, Span literal);
void url_parameter_at(Sight& sight, uint16_t parameter, Span literal);
void connection_pair_at(Sight& sight, Span literal);
void append_url_literals(std::vector<Literal>& all);

// ---- Command lines (command_lines.cc)

void program_at(Sight& sight, uint16_t program, Span literal);
void password_option_at(Sight& sight, Span literal);
void token_option_at(Sight& sight, Span literal);
void piped_password_at(Sight& sight, uint16_t reader, Span literal);
void append_command_literals(std::vector<Literal>& all);

// ---- HTTP headers (headers.cc)

void bearer_at(Sight& sight, Span literal);
void basic_at(Sight& sight, Span literal);
void authorization_at(Sight& sight, Span literal);
void cookie_at(Sight& sight, Span literal);
/// Looks at `name=value; name=value` from `at` on for cookies that log somebody in.
void see_cookies(Sight& sight, uint32_t at);
void append_header_literals(std::vector<Literal>& all);

// ---- Lines that hold a password in their place (credential_lines.cc)

void pgpass_at(Sight& sight, Span literal);
void wifi_code_at(Sight& sight, Span literal);
void wifi_name_at(Sight& sight, Span literal);
/// @param place of the table in credential_lines.cc.
void line_at(Sight& sight, uint16_t place, Span literal);
void append_line_literals(std::vector<Literal>& all);

// ---- Private keys (key_blocks.cc)

void pem_at(Sight& sight, Span literal);
void age_at(Sight& sight, Span literal);
void putty_at(Sight& sight, Span literal);
void jwk_at(Sight& sight, Span literal);
void named_key_at(Sight& sight, Span literal);
void append_key_literals(std::vector<Literal>& all);

}  // namespace mas::dlp
