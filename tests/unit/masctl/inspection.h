// An inspection by the built-in rules.
#pragma once

#include <memory>

#include "sdk/masctl/dlp/findings.h"
#include "tests/unit/catch.h"

namespace mas::ctl {

inline std::unique_ptr<Inspection> inspection() {
  auto rules = dlp::Rules::standard();
  REQUIRE(rules.ok());
  auto made = Inspection::make(*rules);
  REQUIRE(made.ok());
  return std::move(*made);
}

}  // namespace mas::ctl
