// Whether a gateway may have forgotten this instance on purpose, as it does with whoever was silent and without a lease
// for long. Pure.
//
// An outage ends with the first renewal of the lease. After a process stood still (SIGSTOP), the gateway's answer to a
// frame may come before that renewal is confirmed; then the outage is not over yet.
// Threading: none.
#pragma once

#include "sdk/src/core/lease_proof.h"

namespace mas::sdk {

/// @param decided when the gateway last decided a frame of this instance, which it does not know now.
inline bool forgotten_in_outage(const LeaseProof& lease, MonoTime decided, MonoTime now) {
  constexpr Duration kWithoutLease = kForgottenAfter - kLeaseTtl;
  if (lease.left(now) <= -kWithoutLease) return now - decided >= kWithoutLease;
  const auto over = lease.outage_over();
  return over && decided < *over;
}

}  // namespace mas::sdk
