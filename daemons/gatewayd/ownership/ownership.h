// Which partitions this gateway owns: its leases, and the plan that they follow.
//
// Happy path: survey() twice a second looks at who is alive and who owns what (survey.h); the plan (partitioner.h) says
// which partitions should be this gateway's; their leases are taken, the others given back. The listener learns of each
// change. A lease says that this gateway may try; the turn loop fences what it owns.
// Failure modes:
// - mas.config says what this gateway cannot work by: all leases are given back, and obstacle() says why.
// - A survey fails: what is owned stays; it is counted.
// - The link is lost: leases end by their own clock.
// Threading: loop thread. Ownership: may be destroyed at any time but from inside its listener.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/lease.h"
#include "daemons/common/service.h"
#include "daemons/gatewayd/ownership/partitioner.h"
#include "daemons/gatewayd/ownership/survey.h"

namespace mas::gateway {

class OwnershipListener {
 public:
  virtual ~OwnershipListener() = default;
  /// A survey found so many partitions.
  virtual void on_partitions(size_t count) = 0;
  /// A lease was gained or lost.
  virtual void on_ownership_changed() = 0;
};

class Ownership final : public common::LeaseListener {
 public:
  static constexpr Duration kSurveyPeriod = std::chrono::milliseconds(500);

  /// @param listener must outlive this.
  Ownership(common::Frame& frame, Duration lease_ttl, OwnershipListener& listener);

  /// Looks and plans. To be called every kSurveyPeriod. No effect while a survey is under way, without a link, and
  /// after stop().
  void survey();
  void on_redis_up();
  void on_redis_down() { survey_.cancel(); }
  /// Gives all leases back, and says why until a survey brings an agreement again.
  void give_up(const std::string& why);
  /// Tells the log and the daemon's heartbeat what is owned, if that changed since the last call. Once a second, not
  /// once per partition.
  void announce();
  /// No further survey; leases stay as they are.
  void stop();
  /// Gives all leases back, after stop(). @param done called once, also from inside.
  void release(std::function<void()> done);

  /// How many partitions there are; 0: not known yet.
  size_t partitions() const { return leases_.size(); }
  /// By partition, whether its lease is held at this moment.
  std::vector<bool> owned() const;
  /// Whether this gateway owns partition 0, and so does what one gateway does for all.
  bool leads() const { return !leases_.empty() && leases_.front()->active(); }
  /// Why this gateway takes no partition; empty: it does.
  const std::string& obstacle() const { return obstacle_; }
  void describe(JsonWriter& json) const;
  void collect();

 private:
  void on_lease_gained(common::Lease& lease) override;
  void on_lease_lost(common::Lease& lease, std::string_view why) override;
  void on_survey(const Result<View>& result);
  void make_leases(size_t partitions);
  void follow(const std::vector<bool>& mine);
  void on_released();

  common::Frame& frame_;
  const Duration lease_ttl_;
  OwnershipListener& listener_;
  Partitioner partitioner_;
  Survey survey_;
  std::vector<std::unique_ptr<common::Lease>> leases_;  // by partition
  std::string obstacle_ = "mas.config has not been read yet";
  common::RepeatFilter repeat_;
  bool changed_ = false;  // and not announced
  bool stopped_ = false;
  size_t releasing_ = 0;
  std::function<void()> released_;
  common::Gauge& partitions_;
  common::Gauge& owned_;
  common::Gauge& gateways_;
  common::Gauge& suspected_;
  common::Counter& gained_;
  common::Counter& lost_;
  common::Counter& surveys_;
  common::Counter& failed_surveys_;
};

}  // namespace mas::gateway
