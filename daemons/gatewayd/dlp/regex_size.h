// How large an automaton a regular expression makes, before anybody makes it.
//
// Compiling has no time limit of its own, and a{1000} within another repeat is a million states. Pure; linear.
#pragma once

#include <cstddef>
#include <string_view>

namespace mas::dlp {

/// @return about how many characters the expression stands for when its counted repeats are written out; SIZE_MAX where
/// it nests too deeply. What is no regular expression gets some number: it is for the compiler to refuse.
size_t regex_size(std::string_view pattern);

}  // namespace mas::dlp
