// The gateway as it is so far: it owns partitions and delivers nothing.
//
// Every second, and when Redis comes up, it surveys who is alive and who owns what, plans, and starts or releases the
// leases of its partitions. There is no pipeline behind them: what agents put into an ingress list stays there, and log,
// /readyz and documentation say so. Drain gives every lease back, so that others take over at once.
// Threading: loop thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/common/lease.h"
#include "daemons/common/service.h"
#include "daemons/gatewayd/partitioner.h"
#include "daemons/gatewayd/settings.h"
#include "daemons/gatewayd/survey.h"

namespace mas::gateway {

class GatewayService final : public common::Service, public common::LeaseListener {
 public:
  GatewayService(common::Frame& frame, const Settings& settings);

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
  void announce_ownership();
  size_t owned() const;
  void on_survey(const Result<View>& result);
  void refuse(const std::string& why);
  void make_leases(size_t partitions);
  void follow(const std::vector<bool>& mine);
  void on_released();

  common::Frame& frame_;
  Duration lease_ttl_;
  Partitioner partitioner_;
  Survey survey_;
  std::vector<std::unique_ptr<common::Lease>> leases_;  // by partition
  std::string not_ready_ = "mas.config has not been read yet";
  common::RepeatFilter repeat_;
  bool ownership_changed_ = false;
  bool draining_ = false;
  size_t releasing_ = 0;
  common::Gauge& partitions_;
  common::Gauge& owned_;
  common::Gauge& gateways_;
  common::Gauge& suspected_;
  common::Counter& gained_;
  common::Counter& lost_;
  common::Counter& surveys_;
  common::Counter& failed_surveys_;
  redis::Timer timer_;
};

}  // namespace mas::gateway
