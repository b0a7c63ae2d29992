// What may be given to toml++: the plain part of TOML that rules need.
//
// toml++ descends once per bracket and per part of a dotted key, as deep as a file is long, and its parsers of numbers
// and dates have assertions that a file can break. So before it sees a file: bare keys, texts of one line, true and
// false, short decimal numbers, lists and inline tables that nest a few levels deep; UTF-8. Pure; linear.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mas::dlp {

struct TomlFault {
  size_t line = 0;  ///< 0: there is none
  std::string expected;
};

/// @return the first thing in `text` that is not plain.
TomlFault find_toml_fault(std::string_view text);

}  // namespace mas::dlp
