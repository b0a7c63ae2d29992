// The gateway's own options.
#pragma once

#include "daemons/common/settings.h"
#include "daemons/gatewayd/dlp/rules.h"
#include "daemons/gatewayd/guard/window_table.h"
#include "daemons/gatewayd/limits/limit_settings.h"
#include "daemons/gatewayd/policy/policy.h"
#include "daemons/gatewayd/settings/approval_settings.h"
#include "daemons/gatewayd/settings/archive_settings.h"
#include "daemons/gatewayd/settings/audit_settings.h"
#include "proto/wire/data_key.h"
#include "proto/wire/limits.h"

namespace mas::gateway {

using common::kProfileNames;
using common::Profile;

struct Settings : common::Settings {
  Settings() : common::Settings(9462) {}

  Profile profile = Profile::kDevelopment;
  std::string master_key_file;

  Duration lease_ttl = std::chrono::seconds(5);

  Duration auth_drift = std::chrono::minutes(5);
  bool auth_registry_tokens = true;

  Mode authorisation_mode = Mode::kEnforce;

  Mode limits_mode = Mode::kEnforce;
  int64_t limits_per_minute = 0;
  int64_t limits_per_hour = 0;
  int64_t limits_burst = 0;
  uint64_t limits_bytes_per_minute = 0;
  uint64_t limits_burst_bytes = 0;

  Mode dlp_mode = Mode::kEnforce;
  std::string dlp_rules_file;
  std::string dlp_key_file;
  std::string dlp_key_id = "dlp";
  Mode guard_mode = Mode::kEnforce;
  GuardSettings guard;

  Mode breaker_mode = Mode::kEnforce;
  BreakerSettings breaker;

  int64_t retry_attempts = 5;
  Duration retry_base = std::chrono::seconds(1);
  Duration retry_cap = std::chrono::minutes(5);
  int64_t retry_waiting = 100'000;
  Mode priority_mode = Mode::kEnforce;
  Lane priority_highest = Lane::kCritical;
  bool priority_from_data = false;

  uint64_t max_envelope = limits::kEnvelopeBytes;
  Duration reply_window = std::chrono::seconds(60);
  int64_t max_backlog = 100'000;
  uint64_t max_backlog_bytes = 256u * 1024 * 1024;
  int64_t sender_share = 90;
  int64_t max_dead_letters = 100'000;
  uint64_t max_dead_letter_bytes = 512u * 1024 * 1024;
  int64_t wait_replicas = 0;
  Duration wait_timeout = std::chrono::milliseconds(500);
  int64_t memory_high_water = 90;
  Duration forget_agents = std::chrono::hours(7 * 24);

  ApprovalSettings approval;
  AuditSettings audit;
  ArchiveSettings archive;

  int64_t turn_messages = 50'000;
  uint64_t turn_bytes = 32 * 1024 * 1024;
  int64_t cached_agents = 100'000;

  void describe(common::OptionTable& table) override;
  void check(common::Problems& problems) const override;

  void check_limits(common::Problems& problems) const;
  /// What the policies decide by; its digest names the values that do.
  Policy policy() const;
  LimitSettings default_limits() const;
  /// @return where the master key is: a path, the name of a credential, or nothing.
  std::string master_key_place() const;
  /// @return the master key, or none where there is no place of it.
  Result<std::optional<MasterKey>> master_key() const;
  /// @return what data-loss prevention goes by: the rules file's, or the defaults; nullptr where there are problems.
  /// @param problems gets what is wrong, each with file and line.
  std::shared_ptr<const dlp::Rules> dlp_rules(common::Problems& problems) const;
  /// @return the key that values are encrypted under, or none where no file is configured.
  Result<std::optional<DataKey>> dlp_key() const;
};

}  // namespace mas::gateway
