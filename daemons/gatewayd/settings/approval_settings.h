// The options of human approval: which messages wait for a person, how long, and how many.
#pragma once

#include <memory>

#include "daemons/common/settings.h"
#include "daemons/gatewayd/approval/rules.h"
#include "daemons/gatewayd/dlp/rules.h"
#include "daemons/gatewayd/policy/policy.h"

namespace mas::gateway {

struct ApprovalSettings {
  Mode mode = Mode::kOff;
  common::OptionRows rules;
  Duration expires = std::chrono::hours(24);
  int64_t held_max = 10'000;
  uint64_t held_max_bytes = 64u * 1024 * 1024;

  void describe(common::OptionTable& table);
  /// @param dlp_mode, dlp_rules what data-loss prevention goes by; nullptr: they could not be read.
  void check(common::Problems& problems, Mode dlp_mode, const dlp::Rules* dlp_rules) const;
  void set_policy(Policy& policy) const;
};

}  // namespace mas::gateway
