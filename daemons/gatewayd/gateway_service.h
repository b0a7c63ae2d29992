// The gateway as a service: which partitions it owns, and the loop that decides what comes in through them.
//
// Every second, and when Redis comes up, it surveys who is alive and who owns what, plans, and starts or releases the
// leases of its partitions (ownership/partitioner.h). A lease says that it may try; the turn loop fences what it owns and decides
// (turn/turn_loop.h). Drain finishes the turn under way and gives every lease back, so that others go on at once.
// Threading: loop thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/lease.h"
#include "daemons/common/service.h"
#include "daemons/gatewayd/agent_sweep.h"
#include "daemons/gatewayd/health/redis_watch.h"
#include "daemons/gatewayd/keeper/audit_keeper.h"
#include "daemons/gatewayd/ownership/partitioner.h"
#include "daemons/gatewayd/ownership/survey.h"
#include "daemons/gatewayd/replay/archive_trim.h"
#include "daemons/gatewayd/replay/replay_mover.h"
#include "daemons/gatewayd/settings/settings.h"
#include "daemons/gatewayd/setup/shared_secret.h"
#include "daemons/gatewayd/turn/turn_loop.h"

namespace mas::gateway {

class GatewayService final : public common::Service, public common::LeaseListener {
 public:
  GatewayService(common::Frame& frame, const Settings& settings);
  ~GatewayService() override;

  void start() override;
  void on_redis_up() override;
  void on_redis_down() override;
  common::Readiness readiness() const override;
  void describe(JsonWriter& json) const override;
  void collect() override;
  void reload(const common::Settings& next) override;
  void drain() override;

 private:
  void on_lease_gained(common::Lease& lease) override;
  void on_lease_lost(common::Lease& lease, std::string_view why) override;

  void tick();
  void look_around();
  bool production() const { return settings_.profile == Profile::kProduction; }
  void announce_ownership();
  size_t owned() const;
  void tell_turns();
  void tell_keeper();
  void on_secret(const Result<MasterKey>& secret);
  void prepare();
  Status read_master_key();
  void make_turns();
  Status fill_turns();
  Status renew_dlp();
  Result<std::unique_ptr<dlp::Stage>> make_dlp();
  Status renew_archive();
  void on_health(const RedisHealth& health);
  void watch_dead_letters(const RedisHealth& health);
  uint64_t dead_letters_percent(const RedisHealth& health) const;
  std::string unsafe(const RedisHealth& health) const;
  void on_survey(const Result<View>& result);
  void refuse(const std::string& why);
  void make_leases(size_t partitions);
  void follow(const std::vector<bool>& mine);
  void release_leases();
  void on_released();

  common::Frame& frame_;
  Settings settings_;
  Policy policy_;
  Partitioner partitioner_;
  Survey survey_;
  RedisWatch watch_;
  SharedSecret shared_secret_;
  std::optional<MasterKey> master_;  // configured
  std::optional<MasterKey> secret_;  // what tickets and hashes are made with: the master key, or the shared secret
  std::optional<TicketOffice> tickets_;
  std::optional<HmacKey> payload_key_;
  std::optional<HmacKey> replay_key_;
  std::optional<ReplayMover> replays_;
  std::shared_ptr<const dlp::Rules> dlp_rules_;  // in force; null: payloads are not looked at
  std::string dlp_problem_;                      // why the settings' rules are not in force; empty: they are
  std::shared_ptr<const archive::Key> archive_key_;
  std::optional<archive::Key> old_archive_key_;
  ArchiveTrim archive_trim_;
  AgentSweep agent_sweep_;
  AuditKeeper keeper_;
  uint64_t told_blocks_ = 0;
  std::unique_ptr<TurnLoop> turns_;                     // once the secret is known
  std::vector<std::unique_ptr<common::Lease>> leases_;  // by partition
  std::string not_ready_ = "mas.config has not been read yet";
  std::string
      unprepared_;  // why nothing can be decided yet: a file that cannot be read; empty: all were, or are waited for
  bool master_read_ = false, prepared_ = false;
  std::string unsafe_;  // why this Redis will not do, or is not known to do, in production; empty: it does
  std::vector<uint64_t> waiting_;
  common::RepeatFilter repeat_;
  common::RepeatFilter full_repeat_;
  common::RepeatFilter unsafe_repeat_;
  common::RepeatFilter unprepared_repeat_;
  unsigned ticks_ = 0;
  bool ownership_changed_ = false;
  unsigned dead_letters_alerted_ = 0;  // percent of their bound that operators were told of
  bool draining_ = false;
  size_t releasing_ = 0;
  common::Gauge& partitions_;
  common::Gauge& owned_;
  common::Gauge& resting_;
  common::Gauge& gateways_;
  common::Gauge& suspected_;
  common::Gauge& lag_;
  common::Gauge& dead_letters_;
  common::Gauge& dead_letters_near_full_;
  common::Gauge& memory_low_;
  common::Gauge& retries_;
  common::Gauge& cached_agents_;
  std::array<common::Gauge*, std::size(kCircuitStateNames)> circuits_{};  ///< by state
  common::Counter& gained_;
  common::Counter& lost_;
  common::Counter& surveys_;
  common::Counter& failed_surveys_;
  redis::Timer timer_;
};

}  // namespace mas::gateway
