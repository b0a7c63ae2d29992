// Taking over what was set.
#include "daemons/gatewayd/turn/turn_settings.h"

namespace mas::gateway {

TurnSettings::TurnSettings(TurnParts& parts, FetchOp& fetch) : parts_(parts), fetch_(fetch) {
  apply_policy(parts_.options.policy, parts_.options.default_limits);
}

void TurnSettings::take_over() {
  if (auto policy = std::exchange(policy_, std::nullopt)) apply_policy(policy->first, policy->second);
  if (auto stage = std::exchange(dlp_, std::nullopt)) {
    parts_.decider.set_dlp(stage->get());
    parts_.dlp = std::move(*stage);
  }
  if (auto key = std::exchange(archive_, std::nullopt)) {
    parts_.decider.set_archive(key->get());
    parts_.archive_key = std::move(*key);
  }
}

void TurnSettings::apply_policy(const Policy& policy, const LimitSettings& default_limits) {
  parts_.options.policy = policy;
  parts_.decider.set_policy(policy);
  parts_.batch.look_for_priority_in_data(policy.priority_in_data);
  fetch_.set_policy(policy, default_limits);
  if (default_limits == parts_.options.default_limits) return;
  parts_.options.default_limits = default_limits;
  parts_.facts.forget_all();  // their limits were read over the old defaults
}

}  // namespace mas::gateway
