// Dates of birth: those of digits, and those in words of several languages.
//
// Pure, no allocation; looks at some sixty bytes.
#pragma once

#include <string_view>

namespace mas::dlp {

/// @return bytes of the date that `text` begins with; 0 where there is none. Every form of date_at(), and in English,
/// German, French, Spanish, Portuguese, Italian, Dutch and Polish those in words, with or without what leads to them:
/// "the 3rd of March 1984", "March the third, 1984", "am 3. März 1984", "3 de março de 1984", "1984年3月3日".
size_t birth_date_at(std::string_view text);

}  // namespace mas::dlp
