// The proof of an instance's own lease: how long it holds, and when it is steady.
#include "sdk/src/core/lease_proof.h"

#include "sdk/src/gateway/outage.h"
#include "tests/unit/catch.h"

using namespace mas;
using namespace mas::sdk;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
const MonoTime kStart{seconds(1000)};
}

TEST_CASE("a lease is proven from when its renewal was sent, for its time to live") {
  LeaseProof lease;
  CHECK_FALSE(lease.holds(kStart));
  lease.confirmed(kStart);
  CHECK(lease.holds(kStart + kLeaseTtl - milliseconds(1)));
  CHECK_FALSE(lease.holds(kStart + kLeaseTtl));
  CHECK(lease.left(kStart + seconds(1)) == kLeaseTtl - seconds(1));
  lease.confirmed(kStart - seconds(3));  // an older one whose answer came late
  CHECK(lease.holds(kStart + kLeaseTtl - milliseconds(1)));
  lease.forget();
  CHECK_FALSE(lease.holds(kStart));
}

TEST_CASE("it is steady after a period in which every renewal came in time") {
  LeaseProof lease;
  lease.confirmed(kStart);
  CHECK_FALSE(lease.steady(kStart + kLeaseRenewal - milliseconds(1)));
  CHECK(lease.steady(kStart + kLeaseRenewal));
  lease.confirmed(kStart + kLeaseRenewal + milliseconds(20));
  CHECK(lease.steady(kStart + kLeaseRenewal + milliseconds(20)));
}

TEST_CASE("a renewal that found no lease begins the period anew, though it came in time: all may have lapsed at once") {
  LeaseProof lease;
  lease.confirmed(kStart);
  const MonoTime next = kStart + kLeaseRenewal;
  CHECK(lease.steady(next));
  lease.lapsed();
  lease.confirmed(next);
  CHECK(lease.holds(next));
  CHECK_FALSE(lease.steady(next + kLeaseRenewal - milliseconds(1)));
  lease.confirmed(next + kLeaseRenewal);
  CHECK(lease.steady(next + kLeaseRenewal));
}

TEST_CASE("a renewal that came late begins the period anew, also where the lease never lapsed") {
  LeaseProof lease;
  lease.confirmed(kStart);
  const MonoTime late = kStart + seconds(11);
  CHECK(lease.steady(late));
  lease.confirmed(late);
  CHECK(lease.holds(late));
  CHECK_FALSE(lease.steady(late + seconds(4)));
  CHECK(lease.steady(late + kLeaseRenewal));
}

TEST_CASE("an outage is long enough for a gateway to forget the instance") {
  LeaseProof lease;
  lease.confirmed(kStart);
  const MonoTime soon = kStart + kForgottenAfter - milliseconds(1);
  lease.confirmed(soon);
  CHECK_FALSE(lease.outage_over());
  const MonoTime late = soon + kForgottenAfter;
  lease.confirmed(late);
  CHECK(lease.outage_over() == late);
  lease.confirmed(late + kLeaseRenewal);
  CHECK(lease.outage_over() == late);
  lease.forget();
  CHECK_FALSE(lease.outage_over());  // the next instance has had none
}

TEST_CASE("a gateway may have forgotten an instance in an outage, also before the outage is known to be over") {
  LeaseProof lease;
  CHECK_FALSE(forgotten_in_outage(lease, kStart, kStart + seconds(3600)));  // no lease has been confirmed
  lease.confirmed(kStart);
  const MonoTime decided = kStart + seconds(4), soon = kStart + kForgottenAfter - milliseconds(1);
  CHECK_FALSE(forgotten_in_outage(lease, decided, soon));
  const MonoTime awake = kStart + seconds(60);  // it stood still, and the gateway's answer comes first
  CHECK(forgotten_in_outage(lease, decided, awake));
  CHECK_FALSE(forgotten_in_outage(lease, awake - seconds(1), awake));  // it was known a moment ago
  lease.confirmed(awake);
  CHECK(forgotten_in_outage(lease, decided, awake + seconds(1)));
  CHECK_FALSE(forgotten_in_outage(lease, awake + seconds(1), awake + seconds(2)));
}
