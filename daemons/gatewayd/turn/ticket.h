// Tickets: what lets a reply back to who asked, whichever gateway owns the replier's partition.
//
//   16 bytes instance of the requester · u64 expiry (µs since 1970) · 32 bytes HMAC-SHA256
//
// The MAC is under the gateways' key over the namespace, requester, its instance, replier, correlation id and expiry,
// so a ticket is good in one namespace, for exactly one conversation, between exactly these two, until it expires. No
// state is kept: it is not used up by a reply. Agents hand it on without looking inside. Pure. Threading: immutable
// after construction.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/wire/digest.h"

namespace mas::gateway {

struct TicketClaim {
  std::string_view requester;
  Id128 instance;  ///< of the requester
  std::string_view replier;
  std::string_view correlation_id;
  WallMicros expires = 0;
};

class TicketOffice {
 public:
  /// @param ns the namespace, without '/'.
  explicit TicketOffice(const HmacKey& key, std::string_view ns = {}) : key_(key), ns_(ns) {}

  /// Appends kTicketBytes.
  void issue(std::string& out, const TicketClaim& claim) const;

  /// @param claim what the reply says: requester (its target), replier (its sender), correlation id.
  /// @return whether the ticket is good at `now`; then sets the claim's instance and expiry from it.
  bool accept(std::string_view ticket, TicketClaim& claim, WallMicros now) const;

 private:
  Digest mac(const TicketClaim& claim) const;

  HmacKey key_;
  const std::string ns_;
};

}  // namespace mas::gateway
