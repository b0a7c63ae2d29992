// What masctl's exit status means.
#pragma once

#include <span>
#include <string_view>

#include "proto/base/result.h"

namespace mas::ctl {

enum class ExitCode {
#define MASCTL_EXIT(name, value, text) name = value,
#include "sdk/masctl/cli/exit_codes.def"
#undef MASCTL_EXIT
};

struct ExitCodeDoc {
  int value;
  std::string_view text;
};

/// The whole table, in order of value.
std::span<const ExitCodeDoc> exit_code_docs();

/// @return the exit code that a failed call means.
ExitCode exit_code_of(Errc code);

}  // namespace mas::ctl
