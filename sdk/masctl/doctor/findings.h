// doctor's judgement: facts in, findings out. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/masctl/doctor/facts.h"

namespace mas::ctl {

enum class Level { kOk, kWarn, kFail };

/// @return "ok", "warn", "fail".
std::string_view level_text(Level level);

struct Finding {
  Level level;
  std::string check;   ///< short stable name: "persistence"
  std::string found;   ///< what is
  std::string advice;  ///< what to do; empty for ok
};

/// @return at least one finding per check, in a fixed order; only `reachable` when Redis is not.
std::vector<Finding> judge(const Facts& facts);

Level worst_of(const std::vector<Finding>& findings);

}  // namespace mas::ctl
