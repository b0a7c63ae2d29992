// Decides which partitions this gateway should own. Pure: takes what a survey saw and the time.
//
// Every gateway decides for itself from the same facts: who is alive, who owns what. An even share is ⌊P/n⌋ or ⌈P/n⌉
// partitions; gateways that own most keep the larger share, everyone keeps what it has up to its share, and only what
// is left over moves. Views differ for a moment when a gateway comes or goes; leases make that harmless, and the
// decisions meet as soon as the views do.
//
// A heartbeat outlives its process by some seconds. So that the partitions of a dead gateway do not wait for it, a
// gateway is *suspected*, and given no share, when it owned partitions and now owns none while some are free, or when
// it lets a partition lie that is its to take for longer than the grace. A suspicion ends when the gateway owns
// something, is gone, or after a time that doubles with each suspicion, so that a gateway that beats but takes nothing
// (a configuration that it refuses, say) cannot make the others give up partitions for it again and again.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "proto/base/clock.h"

namespace mas::gateway {

struct View {
  std::vector<std::string> gateways;  ///< instances with a heartbeat, in any order; this one may be missing
  std::vector<std::string> owners;    ///< per partition: the instance in its lease; empty: free
};

class Partitioner {
 public:
  /// @param self this gateway's instance. @param grace how long a gateway may take to see and take a free partition.
  Partitioner(std::string self, Duration grace) : self_(std::move(self)), grace_(grace) {}

  /// @return per partition, whether this gateway should own it.
  std::vector<bool> plan(const View& view, MonoTime now);

  /// Gateways that are alive but not counted at the moment, for metrics and tests.
  size_t suspected() const { return blocked_; }

 private:
  struct Suspicion {
    MonoTime until{};
    Duration next;
  };
  using Counts = std::map<std::string, unsigned>;

  Counts owned_counts(const View& view) const;
  void update_suspicions(const View& view, const Counts& owned, MonoTime now);
  void suspect(const std::string& gateway, MonoTime now);
  std::vector<std::string> assign(const View& view, const Counts& owned, MonoTime now);

  std::string self_;
  Duration grace_;
  std::map<std::string, Suspicion> suspicions_;
  std::set<std::string> owned_before_;
  std::vector<MonoTime> free_since_;          // MonoTime::max() when it is not free
  std::vector<std::string> last_assignment_;  // who should have taken it
  size_t blocked_ = 0;
};

/// @return the owner each partition should have: even shares of `gateways`, and as few moves from `owners` as that
/// allows. @param gateways not empty; an owner that is not among them counts as none.
std::vector<std::string> even_assignment(const std::vector<std::string>& gateways,
                                         const std::vector<std::string>& owners);

}  // namespace mas::gateway
