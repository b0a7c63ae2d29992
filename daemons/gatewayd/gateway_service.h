// The gateway as a service: connects its parts, and tells each what it needs to know of the others.
//
//     ownership/   which partitions are this gateway's        ──▶ setup/ makes turn/: the loop that decides them
//     health/      what Redis has no room for, or loses       ──▶ policy of the loop; whether it may decide
//     keeper/, replay/, agent_sweep.h: work beside the loop, for the partitions that it decides
//
// Happy path: every 100 ms the loop learns which leases are held; every 500 ms partitions are surveyed; every second
// the rest has its turn. drain() finishes the turn under way, signs the audit's heads, and gives every lease back.
// Failure modes: those of the parts; readiness() names the first obstacle.
// Threading: loop thread.
#pragma once

#include <array>
#include <string>

#include "daemons/common/service.h"
#include "daemons/gatewayd/agent_sweep.h"
#include "daemons/gatewayd/health/health.h"
#include "daemons/gatewayd/keeper/audit_keeper.h"
#include "daemons/gatewayd/ownership/ownership.h"
#include "daemons/gatewayd/replay/archive_trim.h"
#include "daemons/gatewayd/settings/settings.h"
#include "daemons/gatewayd/setup/turn_setup.h"

namespace mas::gateway {

class GatewayService final : public common::Service, OwnershipListener {
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
  void on_partitions(size_t count) override;
  void on_ownership_changed() override { tell_turns(); }
  void cancel_moves();
  void on_health();
  void on_secret(const Status& status);
  void tick();
  void each_second();
  void prepare();
  void tell_turns();
  void move_back(size_t partitions);
  void tell_keeper();
  void describe_turns(JsonWriter& json) const;
  void release_leases();

  common::Frame& frame_;
  Settings settings_;
  audit::ChainMemory chains_;
  TurnSetup setup_;
  Ownership ownership_;
  Health health_;
  ArchiveTrim archive_trim_;
  AgentSweep agent_sweep_;
  AuditKeeper keeper_;
  uint64_t told_blocks_ = 0;
  unsigned ticks_ = 0;
  bool draining_ = false;
  bool had_redis_ = false;  // it was up before
  common::Gauge& resting_;
  common::Gauge& retries_;
  common::Gauge& cached_agents_;
  std::array<common::Gauge*, std::size(kCircuitStateNames)> circuits_{};  ///< by state
  redis::Timer timer_;
};

}  // namespace mas::gateway
