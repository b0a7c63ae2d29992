// Whether this instance can prove, by its own clock, that its lease in Redis holds. One that cannot reads and claims
// nothing: others may take it for dead and handle what it has read.
//
//     renewal sent ──confirmed──▶ proven until that + kLeaseTtl   (Redis got it later, so the key lives longer)
//
// Steady is who renewed in time for a whole period. After a time in which Redis took no renewals, and after Redis's
// clock was set forward, every instance's lease may have lapsed; one that finds another's gone before that one had the
// time to renew would take it for dead.
// An outage is a time without renewals in which a gateway may have forgotten this instance.
// Threading: the I/O thread.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "proto/base/clock.h"

namespace mas::sdk {

inline constexpr Duration kLeaseTtl = std::chrono::seconds(15);
inline constexpr Duration kLeaseRenewal = std::chrono::seconds(5);
/// A gateway forgets an instance no sooner: the lease has to be gone for ten seconds.
inline constexpr Duration kForgottenAfter = kLeaseTtl + std::chrono::seconds(10);

class LeaseProof {
 public:
  /// Redis took a renewal. @param sent when it was sent.
  void confirmed(MonoTime sent) {
    const bool late = std::exchange(lapsed_, false) || !last_ || sent - *last_ > kLeaseRenewal * 3 / 2;
    if (late) steady_since_ = sent;
    if (last_ && sent - *last_ >= kForgottenAfter) outage_over_ = sent;
    last_ = last_ ? std::max(*last_, sent) : sent;
  }
  /// The renewal that is confirmed next found no lease, though the one before is proven.
  void lapsed() { lapsed_ = true; }
  /// There is another instance, without a lease yet.
  void forget() {
    last_.reset();
    outage_over_.reset();
  }

  /// @return for how long it is proven; not positive: it is not.
  Duration left(MonoTime now) const { return last_ ? *last_ + kLeaseTtl - now : Duration::zero(); }
  bool holds(MonoTime now) const { return left(now) > Duration::zero(); }
  bool steady(MonoTime now) const { return holds(now) && now - steady_since_ >= kLeaseRenewal; }

  /// @return when this instance's last outage ended; nullopt: it has had none.
  std::optional<MonoTime> outage_over() const { return outage_over_; }

 private:
  std::optional<MonoTime> last_, outage_over_;
  MonoTime steady_since_{};
  bool lapsed_ = false;
};

}  // namespace mas::sdk
