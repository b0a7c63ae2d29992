// The rules that a `dlp` command goes by: a file's, or the defaults.
#pragma once

#include <memory>
#include <string>

#include "daemons/gatewayd/dlp/config.h"
#include "sdk/masctl/cli/cli.h"

namespace mas::ctl {

/// @param path empty: the defaults. @return nullptr where the file is wrong; every problem was told then.
inline std::shared_ptr<const dlp::Rules> rules_of(Context& context, const std::string& path) {
  dlp::ConfigProblems problems;
  auto rules = dlp::load_rules(path, problems);
  for (const auto& problem : problems) context.out.note(problem);
  return rules;
}

}  // namespace mas::ctl
