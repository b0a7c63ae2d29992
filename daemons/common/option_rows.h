// The value of an option that is a list of tables, such as [[approval.rule]]: of each table its keys and their texts.
//
// Happy path: rows_of_toml() reads what rows_text() has written, or what a file says.
// Failure: one sentence that says which table is wrong and what was expected. Threading: none; pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/result.h"

namespace mas::common {

/// A table: its keys and values, by rising key.
using OptionRow = std::vector<std::pair<std::string, std::string>>;
using OptionRows = std::vector<OptionRow>;

inline constexpr size_t kMaxOptionRows = 1000;

/// @return the list as one line of TOML, such as `[{sender = "a*"}, {type = "pay"}]`; the same for the same list.
std::string rows_text(const OptionRows& rows);

/// @param text a list as TOML has it. @param keys that a table may have.
Result<OptionRows> rows_of_toml(std::string_view text, std::span<const std::string_view> keys);

/// @return how many dots a line of TOML has outside strings and comments: the parts of its keys, give or take.
/// toml++ descends once for each, so whoever parses bounds them.
size_t bare_dots(std::string_view line);

}  // namespace mas::common
