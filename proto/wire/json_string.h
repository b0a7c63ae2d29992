// The inside of a JSON string token: checks its escapes and decodes them (RFC 8259 §7).
//
// `body` is the text between the quotes, already known to be valid UTF-8 without control characters or
// bare quotes. Pure; linear time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mas {

/// @return whether every escape in `body` is one of JSON's and no surrogate stands alone.
bool json_escapes_are_valid(std::string_view body);

/// Appends the text of `body`, whose escapes are valid; never more bytes than `body` has.
void append_unescaped(std::string& out, std::string_view body);

/// An escape: its offset and length in the body and in the decoded text.
struct EscapeMark {
  uint32_t source, text;
  uint8_t source_size, text_size;
};

/// The same, and appends where the escapes were; `body` is at most 4 GiB.
void append_unescaped(std::string& out, std::string_view body, std::vector<EscapeMark>& marks);

}  // namespace mas
