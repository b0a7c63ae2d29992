// What turns are decided by and may change at any time: policy, default limits, scanner of payloads, archive's key.
// What was set is kept until take_over() is called with no turn under way. So a turn ends by what it began with.
//
// Failure modes: none of its own.
// Threading: loop thread. Ownership: the loop's; the references must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "daemons/gatewayd/turn/fetch_op.h"
#include "daemons/gatewayd/turn/turn_parts.h"

namespace mas::gateway {

class TurnSettings {
 public:
  /// Takes over the policy and the limits that are in the options of `parts`.
  TurnSettings(TurnParts& parts, FetchOp& fetch);

  void set_policy(const Policy& policy, const LimitSettings& default_limits) {
    policy_.emplace(policy, default_limits);
  }
  /// @param stage nullptr: nobody looks at payloads.
  void set_dlp(std::unique_ptr<dlp::ContentStage> stage) { dlp_ = std::move(stage); }
  /// @param key nullptr: deliveries are not archived.
  void set_archive(std::shared_ptr<const archive::Key> key) { archive_ = std::move(key); }

  /// Whether something was set that is not taken over yet.
  bool waiting() const { return policy_ || dlp_ || archive_; }
  /// With no turn in hand or being committed.
  void take_over();

 private:
  void apply_policy(const Policy& policy, const LimitSettings& default_limits);

  TurnParts& parts_;
  FetchOp& fetch_;
  // Set, and not taken over yet.
  std::optional<std::pair<Policy, LimitSettings>> policy_;
  std::optional<std::unique_ptr<dlp::ContentStage>> dlp_;
  std::optional<std::shared_ptr<const archive::Key>> archive_;
};

}  // namespace mas::gateway
