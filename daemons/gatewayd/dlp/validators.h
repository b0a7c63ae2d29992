// The checks that a rule of the configuration may name for what its pattern found.
//
// A validator is given the value as it stands in the text; those of numbers look at its digits alone, whatever
// separates them. Pure; linear in the value, of which those longer than any number they know are refused at once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mas::dlp {

struct Validator {
  std::string_view name;
  bool (*holds)(std::string_view value);
};

/// All of them, by name.
std::span<const Validator> validators();
/// @return nullptr where there is none of that name.
const Validator* find_validator(std::string_view name);

}  // namespace mas::dlp
