// What the scanner goes by: which types are looked for, and what is done about each. Made once, then only read.
//
// Threading: immutable after it was made; shared by any number of scanners.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/gatewayd/dlp/allow_list.h"
#include "daemons/gatewayd/dlp/custom_rules.h"
#include "daemons/gatewayd/dlp/matcher.h"
#include "daemons/gatewayd/dlp/scope.h"
#include "daemons/gatewayd/dlp/sight.h"
#include "daemons/gatewayd/dlp/types.h"
#include "proto/wire/digest.h"

namespace mas::dlp {

struct TypeRule {
  std::string name;
  Action action = Action::kAlert;
  Severity severity = Severity::kMedium;
  Mask mask = Mask::kName;
};

struct Rules {
  /// By number: the built-in types, then an entry for each rule of the configuration, whose names may repeat.
  std::vector<TypeRule> types;
  /// The built-in types that are looked for: whose action is not `off` for everybody.
  EnabledTypes enabled;
  std::shared_ptr<const Matcher> matcher;
  std::shared_ptr<const CustomRules> custom;  ///< may be none
  std::vector<Override> overrides;            ///< sorted
  std::shared_ptr<const AllowList> allow;     ///< may be none
  Digest digest{};                            ///< SHA-256 of the text that they were made from

  /// The defaults of the table. @return vectorscan's error.
  static Result<std::shared_ptr<const Rules>> standard();
};

}  // namespace mas::dlp
